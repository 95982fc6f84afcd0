/** What the status bar shows about lanes. */
import { formatCount } from '../../../ui/format.ts';
import { contextUse, type ContextUse } from '../../chat/state/context-use.ts';
import type { CompareState, LanesRate } from './compare.svelte.ts';
import { rateOf, spreadOf } from './figures.ts';
import type { Lane } from './lane.svelte.ts';

export interface LaneStatus {
  /** Of the lane that fills its context window most. */
  context: ContextUse & { of?: string };
  /** Of several lanes together, tokens per second; null before the first run. */
  rate: { points: readonly number[]; current: number; over: string } | null;
}

/** @param size of the context window, tokens */
export function laneStatus({ lanes, rates, runner }: CompareState, size: number): LaneStatus {
  const uses = lanes.flatMap(({ reply }) => (reply === null ? [] : [contextUse(reply, size)]));
  const longest = uses.reduce<ContextUse | null>(
    (most, use) => (most === null || use.used > most.used ? use : most),
    null,
  );
  const latest = runner.running ? (rates.at(-1) ?? null) : finishedRate(lanes);
  return {
    context: longest === null ? contextUse(null, size) : { ...longest, of: 'longest lane' },
    rate:
      latest === null
        ? null
        : {
            points: rates.map(({ rate }) => rate),
            current: latest.rate,
            over: formatCount(latest.lanes, 'lane'),
          },
  };
}

/**
 * The sum of the rates below the lanes that ran together last. The last moment of a run is only about those that ended
 * last.
 */
function finishedRate(lanes: readonly Lane[]): LanesRate | null {
  const ran = lanes.flatMap((lane) => {
    const rate = shownRate(lane);
    return rate === null ? [] : [{ rate, began: beganAt(lane) }];
  });
  if (ran.length === 0) return null;
  const latest = ran.reduce((last, { began }) => (began > last ? began : last), '');
  const together = ran.filter(({ began }) => began === latest);
  return { rate: together.reduce((sum, { rate }) => sum + rate, 0), lanes: together.length };
}

/** As below a lane: of several samples, the mean. */
function shownRate({ measured }: Lane): number | null {
  return spreadOf(measured.map(rateOf))?.mean ?? null;
}

/** When its batch began, ISO 8601; empty if that was not recorded. The first samples of lanes run together. */
function beganAt({ measured }: Lane): string {
  return measured[0]?.facts.run?.requestedAt ?? '';
}
