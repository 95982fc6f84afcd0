/**
 * `npm test`: all checks and tests. The last line is `N passed, N failed`.
 *
 *   npm test -- [--only check|unit|kernels|e2e] [--since REVISION] [--full] [--headed]
 *
 * --since runs only what changes since a git revision can affect, and lists the rest.
 * --full runs all cases instead of some of each kind and in all hosts, repeats the property tests more often, and compares
 * models with all their golden values (two and a half to three hours on two cores).
 * --headed shows Electron's windows on the real display.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printCheck, runChecks } from './check.ts';
import { electronRuntime } from './electron-runtime.ts';
import { ensureBuilt } from './ensure-built.mjs';
import { electronKernelFlags } from '../src-main/hosts/node/kernels.ts';
import { fetchTestModel } from './fetch-test-model.ts';
import { fetchTestTokenizers } from './fetch-test-tokenizers.ts';
import { changesSince, planFor, testFilesUnder, type Plan } from './lib/affected.ts';
import { KERNEL_TESTS } from './lib/kernel-tests.ts';
import { root } from './lib/run.ts';
import { playwrightSuite, vitestSuite, type Phase, type Skipped, type Suite } from './lib/test-reports.ts';
import { ensureSystemPackages } from './system-packages.ts';

const RESULTS = join(root, 'test-results');
const FULL_PROPERTY_RUNS = '500';
/** Only on Linux has each app a display, and so a clipboard and a focus, and a core of its own. */
const APPS_AT_ONCE = process.platform === 'linux' ? 2 : 1;

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    since: { type: 'string' },
    full: { type: 'boolean' },
    headed: { type: 'boolean' },
  },
});
const wanted = (part: string) => options.only === undefined || options.only === part;
const fullEnv: Record<string, string> = options.full
  ? { TOKENSCOPE_PROPERTY_RUNS: FULL_PROPERTY_RUNS, TOKENSCOPE_TEST_FULL: '1' }
  : {};

async function main(): Promise<Suite[]> {
  await rm(RESULTS, { recursive: true, force: true });
  await mkdir(RESULTS, { recursive: true });
  const { unit: units, kernels: withKernels, specs } = await plan();
  const withApp = wanted('e2e') && specs.length > 0;
  // Neither keeps two cores busy to its end.
  const [checked, built] = await Promise.all([wanted('check') ? check() : null, withApp ? build() : null]);
  const suites = [checked, built].filter((suite) => suite !== null);
  const kernelsToo = wanted('kernels') && withKernels;
  if (wanted('unit') && units.length > 0) suites.push(...(await unit(units, kernelsToo)));
  if (kernelsToo) suites.push(await kernels());
  if (withApp && built?.failed === 0) suites.push(await endToEnd(specs));
  return suites;
}

async function plan(): Promise<Pick<Plan, 'unit' | 'kernels' | 'specs'>> {
  if (options.since === undefined) return { unit: 'all', kernels: true, specs: 'all' };
  const { since, changed, deleted } = await changesSince(options.since);
  const found = planFor(changed, deleted);
  heading(`Only what the changes since ${since} can affect`);
  console.log(`${changed.length} changed file${changed.length === 1 ? '' : 's'}`);
  for (const line of found.leftOut) console.log(`left out: ${line}`);
  return found;
}

async function check(): Promise<Suite> {
  heading('Build, and check: formatting, lint, types');
  const results = await runChecks(printCheck);
  const failures = results.filter((result) => !result.ok).map((result) => result.name);
  return { name: 'check', passed: results.length - failures.length, failed: failures.length, failures, skipped: [] };
}

async function build(): Promise<Suite> {
  try {
    await ensureBuilt(['main', 'app'], { say: console.log });
    return { name: 'build', passed: 1, failed: 0, failures: [], skipped: [] };
  } catch (error) {
    console.log((error as Error).message);
    return { name: 'build', passed: 0, failed: 1, failures: ['the build'], skipped: [] };
  }
}

/** @param kernelsToo the kernel tests run in Electron's V8 as well: in Node's, then, only in a full run */
async function unit(wantedTests: Plan['unit'], kernelsToo: boolean): Promise<Suite[]> {
  heading('Unit and contract tests');
  await systemPackages();
  // Without it, its tests are skipped with a reason, and fail in CI.
  await fetchTestModel(console.log).catch((error: unknown) =>
    console.log(`The test model is missing: ${(error as Error).message}`),
  );
  await fetchTestTokenizers(console.log).catch((error: unknown) =>
    console.log(`Some test tokenizers are missing: ${(error as Error).message}`),
  );
  const report = join(RESULTS, 'unit.json');
  const some = wantedTests === 'all' ? null : await testFilesUnder(wantedTests);
  const which = some === null ? ['run'] : ['related', '--run', '--passWithNoTests', ...some];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const elsewhere = kernelsToo && !options.full ? KERNEL_TESTS.map((path) => `--exclude=${path}`) : [];
  const exitCode = await run('vitest/vitest.mjs', [...which, ...elsewhere, ...reporters], fullEnv);
  const suite = vitestSuite({ report: await readReport(report), exitCode });
  // Files that no test imports have nothing to run.
  return some !== null && exitCode === 0 && suite.passed === 0 ? [] : [suite];
}

/** Where vectors become 256 bits wide: in the app's V8, with its optimizing compiler from the start. */
async function kernels(): Promise<Suite> {
  heading('CPU kernel tests in the V8 of Electron');
  await systemPackages();
  const report = join(RESULTS, 'kernels.json');
  const { executable, version } = await electronRuntime();
  const flags = [...electronKernelFlags(version), '--no-liftoff'];
  const args = ['run', '--config', 'vitest.kernels.config.ts', ...flags.map((flag) => `--execArgv=${flag}`)];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const env = { ...fullEnv, ELECTRON_RUN_AS_NODE: '1' };
  const exitCode = await run('vitest/vitest.mjs', [...args, ...reporters], env, executable);
  return { ...vitestSuite({ report: await readReport(report), exitCode }), name: 'kernels' };
}

async function systemPackages(): Promise<void> {
  const missing = await ensureSystemPackages((line) => console.log(line));
  for (const line of missing) console.log(`These tests need ${line}.`);
}

/**
 * Two apps at once on Linux, and then, one by one, the tests tagged `@alone`: they measure time, CPU time or memory,
 * which another app on the same cores would disturb. These are two runs rather than two dependent Playwright projects: a
 * project does not run after a failed one, and `npx playwright test idle` would run everything else first.
 */
async function endToEnd(specs: Plan['specs']): Promise<Suite> {
  heading('End-to-end tests, in Electron and in Chromium');
  await systemPackages();
  const files = specs === 'all' ? [] : specs.map((name) => `e2e/${name}.spec.ts`);
  const env = { ...fullEnv, ...(options.headed ? { TOKENSCOPE_HEADED: '1' } : {}) };
  const phase = async (name: string, args: string[]): Promise<Phase> => {
    const report = join(RESULTS, `${name}.json`);
    const all = ['test', ...files, ...args, '--pass-with-no-tests', `--output=test-results/${name}`];
    const exitCode = await run('@playwright/test/cli.js', all, { ...env, TOKENSCOPE_E2E_REPORT: report });
    return { report: await readReport(report), exitCode };
  };
  const others = `--grep-invert=${options.full ? '@alone' : '@alone|@full'}`;
  const together = await phase('e2e', [others, `--workers=${APPS_AT_ONCE}`]);
  return playwrightSuite(together, await phase('e2e-alone', ['--grep=@alone', '--workers=1']));
}

/** Runs a program of node_modules and shows its output. */
function run(
  program: string,
  args: string[],
  env: Record<string, string>,
  command = process.execPath,
): Promise<number> {
  return new Promise((done, failed) => {
    const child = spawn(command, [join(root, 'node_modules', program), ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('error', failed);
    child.once('close', (code) => done(code ?? 1));
  });
}

async function readReport(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as unknown);
}

function heading(text: string): void {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`);
}

function summarize(suites: Suite[], seconds: number): void {
  heading(`Summary (${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s)`);
  for (const { name, passed, failed } of suites) {
    console.log(`${failed === 0 ? '✓' : '✗'} ${name.padEnd(12)} ${passed} passed, ${failed} failed`.trimEnd() + '.');
  }
  for (const suite of suites) for (const name of suite.failures) console.log(`  failed: ${suite.name}: ${name}`);
  const skipped: Skipped[] = suites.flatMap((suite) => suite.skipped);
  for (const { name, reason } of skipped) console.log(`  skipped: ${name} (${reason})`);
  const sum = (pick: (suite: Suite) => number) => suites.reduce((total, suite) => total + pick(suite), 0);
  const failed = sum((suite) => suite.failed);
  const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
  console.log(`\n${sum((suite) => suite.passed)} passed, ${failed} failed${tail}`);
  process.exitCode = failed > 0 ? 1 : 0;
}

const started = Date.now();
summarize(await main(), (Date.now() - started) / 1000);
