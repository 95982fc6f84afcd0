/** How the interface writes numbers: thousands take a comma, a percent sign and a unit take a space. */

/** 49152 is `49,152`. */
export function formatInteger(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** 0.42 is `42 %`, 0.09 is `9.0 %`, 0.0004 is `0.04 %`; what rounds to nothing is `< 0.01 %`. */
export function formatPercent(fraction: number): string {
  const percent = fraction * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.01) return '< 0.01 %';
  if (percent < 1) return `${percent.toFixed(2)} %`;
  return `${percent.toFixed(percent < 9.95 ? 1 : 0)} %`;
}

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, as disks and downloads are measured: 9820000 is `9.8 MB`, 105e6 is `105 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(unit === 0 || value >= 99.5 ? 0 : 1)} ${BYTE_UNITS[unit] ?? 'B'}`;
}

/** 2.4 is `2.4 ms`, 38.2 is `38 ms`, 290 is `290 ms`, 1240 is `1.2 s`, 125000 is `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole % 60 === 0 ? `${whole / 60} min` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** Tokens per second without the unit: 412.3 is `412`, 9.44 is `9.4`, 1234 is `1,234`. */
export function formatRate(tokensPerSecond: number): string {
  return tokensPerSecond < 9.95 ? tokensPerSecond.toFixed(1) : formatInteger(tokensPerSecond);
}

/** `1 chat`, `10 chats`, `1,000 chats`. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatInteger(count)} ${count === 1 ? singular : plural}`;
}
