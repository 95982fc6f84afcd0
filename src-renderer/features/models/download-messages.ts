/** Texts about downloads. */
import type { Download, DownloadProblem, DownloadProblemKind } from '../../../src-main/protocol/app/downloads.ts';
import { formatBytes, formatBytesOf, formatDuration } from '../../ui/format.ts';

/** Short names of download problems. */
const TITLES: Readonly<Record<DownloadProblemKind, string>> = {
  dns: 'Host not found',
  connection: 'No connection',
  tls: 'Not secure (TLS)',
  proxy: 'Proxy error',
  timeout: 'Timed out',
  redirect: 'Redirect blocked',
  http: 'HTTP error',
  cut: 'Interrupted',
  disk: 'Disk error',
  hash: 'Checksum mismatch',
  busy: 'Busy',
};

export function problemTitle({ kind, httpStatus }: DownloadProblem): string {
  return kind === 'http' && httpStatus !== null ? `HTTP ${httpStatus}` : TITLES[kind];
}

/** `168 of 271 MB`, or `168 MB` if the server did not report a length. */
export function amountText(bytes: number, totalBytes: number | null): string {
  return totalBytes === null ? formatBytes(bytes) : formatBytesOf(bytes, totalBytes);
}

/** `168 of 271 MB, 9.6 MB/s, 17 s left`. */
export function downloadText(download: Download): string {
  const { phase, bytes, totalBytes, rate, secondsLeft, problem } = download;
  const amount = amountText(bytes, totalBytes);
  if (phase === 'paused') return `Paused at ${amount}`;
  if (phase === 'checking') return `Checking ${amount}`;
  if (phase === 'connecting') {
    if (problem !== null) return `${problemTitle(problem)}, retrying`;
    return bytes > 0 ? `Resuming, ${amount}` : 'Connecting';
  }
  const speed = rate === null ? '' : `, ${formatBytes(rate)}/s`;
  const left =
    secondsLeft === null ? '' : `, ${formatDuration(secondsLeft * 1000).replace('.0\u00a0s', '\u00a0s')} left`;
  return `${amount}${speed}${left}`;
}

/** Downloaded share of the file, 0..1. */
export function shareOf({ bytes, totalBytes }: Download): number {
  return totalBytes === null || totalBytes === 0 ? 0 : bytes / totalBytes;
}
