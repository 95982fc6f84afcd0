/** How the conditions here differ from those of a recorded reply. */
import type { FileHash, RunConditions } from '../../../engine/api/types.ts';

type Versions = Readonly<Record<string, string>>;

export interface Difference {
  what: 'model file' | 'executor' | 'KV cache type' | 'kernels' | 'context size' | 'threads' | 'versions';
  recorded: string;
  here: string;
  /** `never`: these replies are of different models. `same`: the reply does not depend on it. */
  effect: 'never' | 'may_differ' | 'same';
}

/** A model's files and what computes it. */
export interface Setup {
  files: readonly FileHash[];
  conditions: RunConditions;
}

/** What differs, the gravest first; empty where nothing does. */
export function differencesOf(recorded: Setup, here: Setup): Difference[] {
  const files = modelFileDifference(recorded.files, here.files);
  return [...(files === null ? [] : [files]), ...conditionDifferences(recorded.conditions, here.conditions)];
}

/** Whether a reply of one is no reply of the other. */
export function rulesOut(differences: readonly Difference[]): boolean {
  return differences.some(({ effect }) => effect === 'never');
}

/** The first file that differs. The name of a file that is alone does not count: people rename it. */
function modelFileDifference(recorded: readonly FileHash[], here: readonly FileHash[]): Difference | null {
  const difference = (a: FileHash | undefined, b: FileHash | undefined): Difference => {
    return { what: 'model file', recorded: fileText(a), here: fileText(b), effect: 'never' };
  };
  const [first, second] = [recorded[0], here[0]];
  if (recorded.length === 1 && here.length === 1) {
    return first?.sha256 === second?.sha256 ? null : difference(first, second);
  }
  const names = [...new Set([...recorded, ...here].map(({ name }) => name))].sort();
  for (const name of names) {
    const [a, b] = [recorded, here].map((files) => files.find((file) => file.name === name));
    if (a?.sha256 !== b?.sha256) return difference(a, b);
  }
  return null;
}

function fileText(file: FileHash | undefined): string {
  return file === undefined ? 'no such file' : `${file.name}, SHA-256 ${file.sha256}`;
}

function conditionDifferences(recorded: RunConditions, here: RunConditions): Difference[] {
  const pairs: [Difference['what'], Difference['effect'], (conditions: RunConditions) => string][] = [
    ['executor', 'may_differ', ({ executor }) => executor],
    ['KV cache type', 'may_differ', ({ kernels }) => kernels?.kvCacheType ?? 'f32'],
    ['kernels', 'may_differ', kernelsText],
    ['context size', 'may_differ', ({ contextSize }) => `${contextSize} tokens`],
    ['threads', 'same', ({ kernels }) => String(kernels?.threads ?? 1)],
  ];
  const isOtherExecutor = recorded.executor !== here.executor;
  const found = pairs.flatMap(([what, effect, textOf]): Difference[] => {
    // With the executor, the kernels and their threads are others as a matter of course.
    if (isOtherExecutor && what !== 'executor' && what !== 'context size') return [];
    const [a, b] = [textOf(recorded), textOf(here)];
    return a === b ? [] : [{ what, recorded: a, here: b, effect }];
  });
  return [...found, ...versionDifference(recorded.versions, here.versions)];
}

/** Only of programs whose versions differ. */
function versionDifference(recorded: Versions, here: Versions): Difference[] {
  const names = [...new Set([...Object.keys(recorded), ...Object.keys(here)])];
  const changed = names.filter((name) => recorded[name] !== here[name]);
  if (changed.length === 0) return [];
  const textOf = (versions: Versions) => {
    const known = changed.flatMap((name) => (versions[name] === undefined ? [] : [`${name} ${versions[name]}`]));
    return known.length === 0 ? 'none' : known.join(', ');
  };
  return [{ what: 'versions', recorded: textOf(recorded), here: textOf(here), effect: 'may_differ' }];
}

function kernelsText({ kernels }: RunConditions): string {
  if (kernels === null) return 'none';
  const { variant, revision, sumBits } = kernels;
  return `${variant}${revision === null ? '' : ` ${revision}`}, ${sumBits}-bit sums`;
}

/** One line, for example `executor: recorded wasm, here reference`. */
export function differenceText({ what, recorded, here, effect }: Difference): string {
  const note = effect === 'same' ? ' (does not change the reply)' : '';
  return `${what}: recorded ${recorded}, here ${here}${note}`;
}
