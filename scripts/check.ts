/** `npm run check`: formatting, lint and types, two at a time. Ends with exit code 1 if any of them complains. */
import { rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { PROJECT_FOLDERS } from './lib/projects.mjs';
import { capture, root } from './lib/run.ts';

interface Check {
  name: string;
  /** Program inside node_modules and its arguments. */
  command: [string, ...string[]];
}

/** Caches of the checks. */
const CACHE = join('node_modules', '.cache', 'tokenscope');
const lintCache = ['--cache', '--cache-strategy=content', `--cache-location=${CACHE}/eslint`];

const CHECKS: Check[] = [
  // Slowest first, so that the short ones fill the other lane.
  {
    name: 'lint of components and boundaries',
    command: ['eslint/bin/eslint.js', '.', '--max-warnings=0', ...lintCache],
  },
  { name: 'formatting', command: ['oxfmt/bin/oxfmt', '--check'] },
  {
    name: 'types of the interface',
    command: ['svelte-check/bin/svelte-check', '--tsgo', '--tsconfig', 'tsconfig.page.json', '--fail-on-warnings'],
  },
  {
    name: 'lint',
    command: ['oxlint/bin/oxlint', '--type-aware', '--tsconfig', 'tsconfig.lint.json', '--max-warnings=0', '.'],
  },
  ...PROJECT_FOLDERS.filter((folder) => folder !== 'src-renderer').map((folder): Check => {
    return { name: `types of ${folder}`, command: ['@typescript/native/bin/tsc', '--project', folder] };
  }),
];
const LANES = 2;

export interface CheckResult {
  name: string;
  ok: boolean;
  output: string;
}

/** Runs all checks; `report` is called as each ends. */
export async function runChecks(report: (result: CheckResult, seconds: number) => void): Promise<CheckResult[]> {
  // svelte-check does not remove its copies of components that are gone.
  await rm(join(root, '.svelte-check'), { recursive: true, force: true });
  const results: CheckResult[] = [];
  const waiting = [...CHECKS];
  const lane = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const started = Date.now();
      const [program, ...args] = check.command;
      const { code, stdout, stderr } = await capture(process.execPath, [join(root, 'node_modules', program), ...args]);
      const result = { name: check.name, ok: code === 0, output: `${stdout}${stderr}`.trim() };
      report(result, (Date.now() - started) / 1000);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return results;
}

export function printCheck(result: CheckResult, seconds: number): void {
  console.log(`${result.ok ? '✓' : '✗'} ${result.name} (${seconds.toFixed(1)} s)`);
  if (!result.ok) console.log(result.output.replace(/^/gm, '    '));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const results = await runChecks(printCheck);
  process.exitCode = results.every((result) => result.ok) ? 0 : 1;
}
