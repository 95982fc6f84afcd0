import type { GenerateEnd, GenerateStart } from '../../../../engine/api/types.ts';
import { stopSentence } from '../../../../protocol/engine/stop-sentence.ts';
import { formatCount, formatMs } from './numbers.ts';

/** Formats a reply's statistics: one line of numbers and the stop reason. */
export function formatStatistics(start: GenerateStart, { ids, timings, seed, stop }: GenerateEnd): string {
  const parts = [formatCount(ids.length, 'token')];
  if (timings.decodeTokensPerSecond !== null) parts.push(`${timings.decodeTokensPerSecond.toFixed(1)} tokens/s`);
  if (timings.timeToFirstTokenMs !== null) parts.push(`first token after ${formatMs(timings.timeToFirstTokenMs)}`);
  parts.push(`prefill of ${formatCount(start.promptIds.length, 'token')} in ${formatMs(timings.prefillMs)}`);
  const { speculation } = timings;
  if (speculation) parts.push(`${speculation.accepted} of ${speculation.drafted} drafted tokens accepted`);
  parts.push(`seed ${seed}`);
  return `${parts.join(' · ')}\n${stopSentence(stop)} (${stop.reason})`;
}
