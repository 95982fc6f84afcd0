import type { Fit } from '../../../../protocol/engine/model-fit.ts';
import { formatBytes, plural } from './numbers.ts';

/** Formats whether a model fits, with the numbers. */
export function formatFit({ verdict, needed, available, short, bound }: Fit, contextSize: number): string {
  const room = bound === 'limit' ? 'the limit of the CPU executor' : 'free on this computer now';
  const numbers = `${formatBytes(needed)} for a context of ${plural(contextSize, 'token')}; ${formatBytes(available)} ${bound === 'limit' ? 'is' : 'are'} ${room}`;
  if (verdict !== 'too-large') return `It fits: it needs ${numbers}.`;
  return `It does not fit: it needs ${numbers}. That is ${formatBytes(short)} short.`;
}
