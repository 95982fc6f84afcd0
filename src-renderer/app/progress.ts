import type { LoadProgress } from '../../src-main/engine/api/types.ts';
import type { Download } from '../../src-main/protocol/app/downloads.ts';

/** Of loading a model and of running downloads together, 0..1, by bytes; null if there are none. */
export function progressOf(
  loading: LoadProgress | null,
  downloads: readonly Pick<Download, 'phase' | 'bytes' | 'totalBytes'>[],
): number | null {
  const parts = downloads
    .filter(({ phase }) => phase === 'downloading' || phase === 'checking')
    .map(({ bytes, totalBytes }) => ({ bytes, total: totalBytes ?? 0 }));
  if (loading !== null) parts.push({ bytes: loading.bytesRead, total: loading.totalBytes });
  const total = parts.reduce((sum, part) => sum + part.total, 0);
  if (total === 0) return null;
  return Math.min(1, parts.reduce((sum, part) => sum + Math.min(part.bytes, part.total), 0) / total);
}
