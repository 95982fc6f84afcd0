import type { Download } from '../../../../protocol/app/downloads.ts';
import { displayWidth, fitToWidth } from './display-width.ts';
import { formatBytes } from './numbers.ts';
import { onOneLine } from './table.ts';

const BAR_CELLS = 24;

/**
 * Formats a download's progress in one line.
 * @param most terminal columns; a line that is wider loses its bar, then its end
 */
export function formatDownload(download: Download, most = Infinity): string {
  const line = onOneLine(lineOf(download, true));
  return displayWidth(line) <= most ? line : fitToWidth(onOneLine(lineOf(download, false)), most);
}

function lineOf({ name, phase, bytes, totalBytes, rate, secondsLeft, problem }: Download, hasBar: boolean): string {
  const total = totalBytes === null ? '' : ` of ${formatBytes(totalBytes)}`;
  const share = totalBytes === null || totalBytes === 0 ? null : bytes / totalBytes;
  const parts = [
    ...(share === null || !hasBar ? [] : [bar(share)]),
    ...(share === null ? [] : [`${Math.floor(100 * share)} %`]),
    `${formatBytes(bytes)}${total}`,
    ...(rate === null ? [] : [`${formatBytes(rate)}/s`]),
    ...(secondsLeft === null ? [] : [`${formatTime(secondsLeft)} left`]),
    ...(phase === 'downloading' ? [] : [phase]),
    ...(problem === null ? [] : [`(${problem.message})`]),
  ];
  return `${name}  ${parts.join('  ')}`;
}

/** @param share 0..1 */
function bar(share: number): string {
  const filled = Math.round(BAR_CELLS * share);
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR_CELLS - filled)}]`;
}

function formatTime(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
