/** Formats numbers, independent of the locale: with a decimal point and commas between thousands. */

export function formatInteger(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 token`, `2 tokens`. */
export function formatCount(count: number, noun: string): string {
  return `${formatInteger(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** @param probability 0..1 */
export function formatPercent(probability: number): string {
  const percent = probability * 100;
  if (percent > 0 && percent < 0.01) return '<0.01 %';
  return `${percent.toFixed(percent < 1 ? 2 : 1)} %`;
}

/** Decimal units, as for disks. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The first and last values of a vector: `[  0.820  -0.340   0.670 …   0.230 ]`. */
export function formatVector(values: readonly number[], shown = 6): string {
  const format = (value: number) => value.toFixed(3).padStart(7);
  const all = values.map(format);
  const cells = values.length <= shown ? all : [...all.slice(0, shown - 1), '…', all.at(-1)!];
  return `[${cells.join(' ')} ]`;
}
