/**
 * What a change can affect: the plan of `npm test -- --since REVISION`. Vitest follows imports from the changed files;
 * the tables below cover what imports do not show. A file without a rule affects everything.
 */
import { capture, root } from './run.ts';

export interface Plan {
  /** Source files whose tests run, test files, and folders (with a slash at the end) of tests; `all`: every test. */
  unit: 'all' | readonly string[];
  kernels: boolean;
  /** Names of spec files without their endings; `all`: every spec. */
  specs: 'all' | readonly string[];
  /** What is not run, with reasons. */
  leftOut: readonly string[];
}

type Effect = Partial<Pick<Plan, 'unit' | 'kernels' | 'specs'>>;

const EVERYTHING: Effect = { unit: 'all', kernels: true, specs: 'all' };
/** Checks that documents name only existing files. */
const DOCUMENTS_TEST = 'scripts/docs.test.ts';
/** They run the built programs, which imports do not show. */
const PROGRAM_TESTS = ['src-main/hosts/', 'src-main/services/services.test.ts'];
const PACKAGE_TESTS = ['scripts/release/', 'scripts/icons.test.ts'];
/** Specs that run the terminal's commands. */
const TERMINAL_SPECS = ['hosts-agree', 'model-library', 'open-model', 'receipts'];

/** The first matching rule of a file lists what it affects, besides the tests that import it. */
const RULES: readonly [file: RegExp, effect: Effect][] = [
  [/^docs\/sampling\.md$/, { unit: [DOCUMENTS_TEST, 'src-main/engine/generation/sampling-doc.test.ts'] }],
  [/^docs\/gpu\.md$|^bench\/lib\/(gpu-limits|markdown)\.ts$/, { unit: [DOCUMENTS_TEST, 'scripts/gpu-limits.test.ts'] }],
  [/(^|\/)(README|CONTRIBUTING|LICENSE)|^docs\/|\.md$/, { unit: [DOCUMENTS_TEST] }],
  [/^(\.editorconfig|\.gitignore|eslint\.config\.js|\.ox(fmt|lint)rc\.json|scripts\/check\.ts)$/, {}],
  [/^bench\/|^scripts\/(fixtures\/|(screenshots|dev|icons|generate-unicode-tables)\.ts$)/, {}],
  // Only lint has the first; only the screenshots have the others.
  [
    /^scripts\/lib\/(boundaries\.mjs|(\w+-)+walk\.ts|(tidy-page|new-chart|picture-texts|sampling-(examples|text)|small-png)\.ts)$/,
    {},
  ],
  [/^(build\/|electron-builder\.config\.ts|scripts\/(package|dist)\.ts)/, { unit: PACKAGE_TESTS, specs: ['packaged'] }],
  // Run by themselves, as is what only they use.
  [/^(e2e\/installed|\.github)\//, { unit: PACKAGE_TESTS }],
  [/^scripts\/release\/(?!bundled-packages)/, { unit: PACKAGE_TESTS, specs: ['packaged'] }],
  [/^scripts\/start\.ts$/, { specs: ['start'] }],
  [/^e2e\/[^/]+\.spec\.ts$/, {}],
  [/^e2e\//, { specs: 'all' }],
  [/^(src-main|src-renderer|scripts)\/.*\.test\.ts$/, {}],
  [/^src-main\/kernels\/|^resources\//, EVERYTHING],
  // Fixtures are read by path.
  [/^src-(main|renderer)\/.*\.(?!ts$|svelte$|css$|html$)[^./]+$/, EVERYTHING],
  [/^src-main\/hosts\/node\/cli\//, { unit: PROGRAM_TESTS, specs: TERMINAL_SPECS }],
  [/^src-main\/(engine|hosts\/node)\//, { unit: PROGRAM_TESTS, kernels: true, specs: 'all' }],
  [/^src-main\//, { unit: PROGRAM_TESTS, specs: 'all' }],
  [/^src-renderer\//, { specs: 'all' }],
];

/**
 * @param changed paths from the project's root, with forward slashes
 * @param deleted those of them that no longer exist
 */
export function planFor(changed: readonly string[], deleted: readonly string[] = []): Plan {
  const effects = changed.map((file) => RULES.find(([pattern]) => pattern.test(file))?.[1] ?? EVERYTHING);
  // No import leads from a deleted file, and documents may name it.
  const gone: Effect = deleted.some((file) => /^(src-|scripts\/)/.test(file)) ? { unit: 'all' } : {};
  const of = <K extends 'unit' | 'specs'>(key: K) => [...effects, gone].map((effect) => effect[key] ?? []);
  const merge = (lists: (readonly string[] | 'all')[]) =>
    lists.includes('all') ? 'all' : [...new Set((lists as (readonly string[])[]).flat())];
  const code = changed.filter((file) => /^(src-main|src-renderer|scripts)\/.*\.(ts|mjs|svelte)$/.test(file));
  const unit = merge([code.filter((file) => !deleted.includes(file)), ...of('unit')]);
  const ownSpecs = changed.flatMap((file) => /^e2e\/([^/]+)\.spec\.ts$/.exec(file)?.[1] ?? []);
  const specs = merge([ownSpecs.filter((name) => !deleted.includes(`e2e/${name}.spec.ts`)), ...of('specs')]);
  const kernels = effects.some((effect) => effect.kernels === true);
  const leftOut = [
    ...(unit === 'all'
      ? []
      : [unit.length === 0 ? 'unit tests: no code changed' : 'unit tests that do not import changed files']),
    ...(kernels ? [] : ['kernel tests: no changes in the engine, its kernels or its Node host']),
    ...(specs === 'all'
      ? []
      : [
          specs.length === 0
            ? 'end-to-end tests: no changes in the code they run'
            : `end-to-end tests other than ${specs.join(', ')}`,
        ]),
  ];
  return { unit, kernels, specs, leftOut };
}

export interface Changes {
  /** The revision that is compared with, for people. */
  since: string;
  changed: string[];
  deleted: string[];
}

/**
 * Differences between the working tree, including new files, and its merge base with a revision.
 * @throws Error when git does not know the revision
 */
export async function changesSince(revision: string): Promise<Changes> {
  const base = (await git(['merge-base', revision, 'HEAD'])).trim();
  const named = lines(await git(['diff', '--name-status', '--no-renames', base])).map((row) => {
    const [status = '', file = ''] = row.split('\t');
    return { file, gone: status === 'D' };
  });
  const fresh = lines(await git(['ls-files', '--others', '--exclude-standard']));
  return {
    since: `${revision} (${base.slice(0, 7)})`,
    changed: [...named.map(({ file }) => file), ...fresh],
    deleted: named.filter(({ gone }) => gone).map(({ file }) => file),
  };
}

/** Files unchanged, folders replaced by the tests in them. */
export async function testFilesUnder(names: readonly string[]): Promise<string[]> {
  const folders = names.filter((name) => name.endsWith('/'));
  const inFolders = folders.length === 0 ? [] : lines(await git(['ls-files', '--', ...folders]));
  const files = names.filter((name) => !name.endsWith('/'));
  return [...new Set([...files, ...inFolders.filter((name) => name.endsWith('.test.ts'))])];
}

async function git(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await capture('git', ['-c', 'core.quotepath=off', ...args], { cwd: root });
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
