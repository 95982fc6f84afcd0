import { formatInteger, withUnit } from '../../../ui/format.ts';
import type { PrefillProgress } from '../state/prefill-estimate.ts';

/** For example `processing the prompt: 640 of 1,081, 4 s left`. */
export function prefillText(prefill: PrefillProgress | null): string {
  return prefill === null ? 'processing the prompt' : `processing the prompt: ${prefillFigures(prefill)}`;
}

export function prefillFigures({ done, total, leftMs }: PrefillProgress): string {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  const left = seconds < 100 ? withUnit(String(seconds), 's') : withUnit(String(Math.round(seconds / 60)), 'min');
  return `${formatInteger(done)} of ${formatInteger(total)}, ${left} left`;
}
