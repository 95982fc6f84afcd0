/** Numbers in messages for people. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];

/** Formats 689952 as `689,952`. */
export function grouped(count: number): string {
  return count.toLocaleString('en-US');
}

/** Decimal units, as for disks: 4_368_439_584 is `4.4 GB`. */
export function bytesText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)}\u00a0${UNITS[unit]}`;
}
