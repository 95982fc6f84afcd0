import { formatInteger, formatTimeLeft } from '../../../ui/format.ts';
import type { PrefillProgress } from '../state/prefill-estimate.ts';

/** For example `processing the prompt: 640 of 1,081, 4 s left`. */
export function prefillText(prefill: PrefillProgress | null): string {
  return prefill === null ? 'processing the prompt' : `processing the prompt: ${prefillFigures(prefill)}`;
}

export function prefillFigures({ done, total, leftMs }: PrefillProgress): string {
  return `${formatInteger(done)} of ${formatInteger(total)}, ${formatTimeLeft(leftMs)}`;
}
