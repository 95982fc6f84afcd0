/** How a model and its conditions differ from those of a recorded reply. */
import type { FileHash, RunConditions } from '../../../engine/api/types.ts';

type Versions = Readonly<Record<string, string>>;

export interface Difference {
  what: 'model file' | 'executor' | 'KV cache type' | 'kernels' | 'context size' | 'threads' | 'versions';
  recorded: string;
  now: string;
  /** `incomparable`: another model generates other replies. `none`: replies do not depend on it. */
  effect: 'incomparable' | 'possible' | 'none';
}

/** A model's files and what computes it. */
export interface Setup {
  files: readonly FileHash[];
  conditions: RunConditions;
}

/** Most serious first; empty if nothing differs. */
export function differencesOf(recorded: Setup, now: Setup): Difference[] {
  const files = modelFileDifference(recorded.files, now.files);
  return [...(files === null ? [] : [files]), ...conditionDifferences(recorded.conditions, now.conditions)];
}

/** Whether the replies cannot be compared, because they are from different models. */
export function isOtherModel(differences: readonly Difference[]): boolean {
  return differences.some(({ effect }) => effect === 'incomparable');
}

/**
 * The first file that differs; the largest ones if no names match. The name of a single file is ignored, because people
 * rename files.
 */
function modelFileDifference(recorded: readonly FileHash[], now: readonly FileHash[]): Difference | null {
  const difference = (a: FileHash | undefined, b: FileHash | undefined): Difference => {
    return { what: 'model file', recorded: fileText(a), now: fileText(b), effect: 'incomparable' };
  };
  if (recorded.length === 1 && now.length === 1 && recorded[0].sha256 === now[0].sha256) return null;
  const names = new Set([...recorded, ...now].map(({ name }) => name));
  if (names.size === recorded.length + now.length) return difference(largest(recorded), largest(now));
  for (const name of [...names].sort()) {
    const [a, b] = [recorded, now].map((files) => files.find((file) => file.name === name));
    if (a?.sha256 !== b?.sha256) return difference(a, b);
  }
  return null;
}

function largest(files: readonly FileHash[]): FileHash | undefined {
  return files.toSorted((a, b) => b.bytes - a.bytes)[0];
}

function fileText(file: FileHash | undefined): string {
  return file === undefined ? 'no such file' : `${file.name}, SHA-256 ${file.sha256}`;
}

function conditionDifferences(recorded: RunConditions, now: RunConditions): Difference[] {
  const pairs: [Difference['what'], Difference['effect'], (conditions: RunConditions) => string][] = [
    ['executor', 'possible', ({ executor }) => executor],
    ['KV cache type', 'possible', ({ kernels }) => kernels?.kvCacheType ?? 'f32'],
    ['kernels', 'possible', kernelsText],
    ['context size', 'possible', ({ contextSize }) => `${contextSize.toLocaleString('en-US')} tokens`],
    ['threads', 'none', ({ kernels }) => String(kernels?.threads ?? 1)],
  ];
  const isOtherExecutor = recorded.executor !== now.executor;
  const found = pairs.flatMap(([what, effect, textOf]): Difference[] => {
    // Another executor implies other kernels and threads.
    if (isOtherExecutor && what !== 'executor' && what !== 'context size') return [];
    const [a, b] = [textOf(recorded), textOf(now)];
    return a === b ? [] : [{ what, recorded: a, now: b, effect }];
  });
  return [...found, ...versionDifference(recorded.versions, now.versions)];
}

/** Lists only the programs whose versions differ. */
function versionDifference(recorded: Versions, now: Versions): Difference[] {
  const names = [...new Set([...Object.keys(recorded), ...Object.keys(now)])];
  const changed = names.filter((name) => recorded[name] !== now[name]);
  if (changed.length === 0) return [];
  const textOf = (versions: Versions) => {
    const known = changed.flatMap((name) => (versions[name] === undefined ? [] : [`${name} ${versions[name]}`]));
    return known.length === 0 ? 'none' : known.join(', ');
  };
  return [{ what: 'versions', recorded: textOf(recorded), now: textOf(now), effect: 'possible' }];
}

function kernelsText({ kernels }: RunConditions): string {
  if (kernels === null) return 'none';
  const { variant, revision, sumBits } = kernels;
  return `${variant}${revision === null ? '' : ` ${revision}`}, ${sumBits}-bit sums`;
}

/** For example `executor: recorded wasm, now reference`. */
export function differenceText({ what, recorded, now, effect }: Difference): string {
  const note = effect === 'none' ? ' (does not change the reply)' : '';
  return `${what}: recorded ${recorded}, now ${now}${note}`;
}
