/** What the status bar shows about lanes. */
import { formatCount } from '../../../ui/format.ts';
import { contextUse, type ContextUse } from '../../chat/state/context-use.ts';
import type { CompareState } from './compare.svelte.ts';

export interface LaneStatus {
  /** Of the lane that fills its context window most. */
  context: ContextUse & { of?: string };
  /** Of all lanes together, tokens per second; null before the first run. */
  rate: { points: readonly number[]; current: number; over: string } | null;
}

/** @param size of the context window, tokens */
export function laneStatus({ lanes, rates }: CompareState, size: number): LaneStatus {
  const uses = lanes.flatMap(({ reply }) => (reply === null ? [] : [contextUse(reply, size)]));
  const longest = uses.reduce<ContextUse | null>(
    (most, use) => (most === null || use.used > most.used ? use : most),
    null,
  );
  const current = rates.at(-1);
  return {
    context: longest === null ? contextUse(null, size) : { ...longest, of: 'longest lane' },
    rate: current === undefined ? null : { points: rates, current, over: formatCount(lanes.length, 'lane') },
  };
}
