/**
 * How the interface writes numbers: a comma between thousands, and a non-breaking space before a percent sign or a unit,
 * so that a line never starts with it.
 */

/** `23` and `tok/s` become `23 tok/s`. */
export function withUnit(number: string, unit: string): string {
  return `${number}\u00a0${unit}`;
}

/** 49152 is `49,152`. */
export function formatInteger(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 1234.5 is `1,234.5`. @param most maximum number of decimals @param least minimum number of them */
export function formatDecimal(value: number, most = 3, least = 0): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: least, maximumFractionDigits: most });
}

/** 0.42 is `42 %`, 0.09 is `9.0 %`, 0.0004 is `0.04 %`; what rounds to nothing is `< 0.01 %`. */
export function formatPercent(fraction: number): string {
  const percent = fraction * 100;
  if (percent === 0) return withUnit('0', '%');
  if (percent < 0.01) return withUnit('<\u00a00.01', '%');
  return withUnit(percent.toFixed(percent < 1 ? 2 : percent < 9.95 ? 1 : 0), '%');
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, as for disks and downloads: 9820000 is `9.8 MB`, 105e6 is `105 MB`. */
export function formatBytes(bytes: number): string {
  const { unit, scale, digits } = byteScale(bytes);
  return withUnit((bytes / scale).toFixed(digits), unit);
}

/** A part of a whole in the whole's unit, `168 of 271 MB`, unless that would be zero: `3.2 MB of 1.1 GB`. */
export function formatBytesOf(bytes: number, total: number): string {
  const { scale, digits } = byteScale(total);
  const part = (bytes / scale).toFixed(digits);
  return `${bytes > 0 && Number(part) === 0 ? formatBytes(bytes) : part} of ${formatBytes(total)}`;
}

/** The unit in which a number of bytes is written, its bytes, and the digits after the decimal point. */
function byteScale(bytes: number): { unit: string; scale: number; digits: number } {
  let scale = 1;
  let power = 0;
  while (bytes / scale >= 999.5 && power < BYTE_UNITS.length - 1) {
    scale *= 1000;
    power += 1;
  }
  return { unit: BYTE_UNITS[power] ?? 'B', scale, digits: power === 0 || bytes / scale >= 99.5 ? 0 : 1 };
}

/** 2.4 is `2.4 ms`, 38.2 is `38 ms`, 290 is `290 ms`, 1240 is `1.2 s`, 125000 is `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return withUnit(ms.toFixed(ms < 9.95 ? 1 : 0), 'ms');
  const seconds = ms / 1000;
  if (seconds < 59.95) return withUnit(seconds.toFixed(1), 's');
  const whole = Math.round(seconds);
  const minutes = withUnit(String(Math.floor(whole / 60)), 'min');
  return whole % 60 === 0 ? minutes : `${minutes} ${withUnit(String(whole % 60), 's')}`;
}

/** An estimate that counts down: 3200 is `4 s left`, 12 is `1 s left`, 300000 is `5 min left`. */
export function formatTimeLeft(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000));
  return `${seconds < 100 ? withUnit(String(seconds), 's') : withUnit(String(Math.round(seconds / 60)), 'min')} left`;
}

/** Tokens per second without the unit: 412.3 is `412`, 9.44 is `9.4`, 1234 is `1,234`. */
export function formatRate(tokensPerSecond: number): string {
  return tokensPerSecond < 9.95 ? tokensPerSecond.toFixed(1) : formatInteger(tokensPerSecond);
}

/** `2 Jan 2026`, the day of this computer's calendar. */
export function formatDate(date: Date): string {
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `1 chat`, `10 chats`, `1,000 chats`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatInteger(count)} ${count === 1 ? singular : plural}`;
}
