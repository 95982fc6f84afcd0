/** The replies of a compare, with their metrics. */
import type {
  GenerateEnd,
  GenerateParams,
  GenerateStart,
  LanesEvent,
  LanesPrefill,
} from '../../../../engine/api/types.ts';
import type { EngineClient } from '../../../../protocol/engine/client.ts';
import { distinctN, divergesAt, meanSurprisal, perplexity } from '../../../../protocol/engine/reply-metrics.ts';
import { MAX_LANES } from '../../../../engine/api/defaults.ts';
import type { LaneView } from './lane-view.ts';

/** A reply to generate. */
export interface PlannedLane {
  /** Its settings as written. */
  readonly label: string;
  /** Number of the reply among those with the same settings but other seeds, from 1. */
  readonly sample: number;
  readonly seed: number;
  readonly params: GenerateParams;
}

export interface ComparedLane extends PlannedLane {
  /** Null if it did not begin. */
  readonly start: GenerateStart | null;
  readonly end: GenerateEnd;
  readonly perplexity: number | null;
  /** Bits. */
  readonly meanSurprisal: number | null;
  readonly distinct1: number | null;
  readonly distinct2: number | null;
  /** Index of the first token that differs from the first lane; null if none does. */
  readonly divergesAt: number | null;
}

export interface Comparison {
  readonly lanes: readonly ComparedLane[];
  readonly prefill: LanesPrefill;
  /** What happened to all lanes, for people. */
  readonly notices: readonly string[];
}

/**
 * Generates all lanes, in batches of at most `MAX_LANES`.
 * @param show creates the view of a batch, if there is one
 */
export async function compareLanes(
  client: EngineClient,
  planned: readonly PlannedLane[],
  signal: AbortSignal,
  show: (lanes: readonly PlannedLane[]) => LaneView | null,
): Promise<Comparison> {
  const lanes: ComparedLane[] = [];
  const prefill = { sharedTokens: 0, reusedTokens: 0, computedTokens: 0, kvCacheBytes: 0 };
  const notices = new Set<string>();
  for (let from = 0; from < planned.length && !(from > 0 && signal.aborted); from += MAX_LANES) {
    const batch = planned.slice(from, from + MAX_LANES);
    const written = new WrittenLanes(batch, show(batch));
    const params = { key: crypto.randomUUID(), lanes: batch.map((lane) => lane.params) };
    for await (const event of client.stream('compare', params, { signal })) {
      if (event.type === 'lane' && event.event.type === 'moved') notices.add(event.event.notice);
      if (event.type === 'lane') await written.take(event);
      else if (from === 0) Object.assign(prefill, event);
      else {
        prefill.computedTokens += event.computedTokens;
        prefill.reusedTokens += event.reusedTokens;
      }
    }
    for (const [lane, each] of batch.entries()) lanes.push(written.compared(lane, each, lanes[0]?.end.ids));
  }
  return { lanes, prefill, notices: [...notices] };
}

/** Collects the events of one batch. */
class WrittenLanes {
  private readonly starts = new Map<number, GenerateStart>();
  private readonly ends = new Map<number, GenerateEnd>();
  private readonly logprobs: number[][];

  constructor(
    lanes: readonly PlannedLane[],
    private readonly view: LaneView | null,
  ) {
    this.logprobs = lanes.map(() => []);
  }

  async take({ lane, event }: Extract<LanesEvent, { type: 'lane' }>): Promise<void> {
    switch (event.type) {
      case 'start':
        this.starts.set(lane, event);
        return;
      case 'prefill':
      case 'moved':
        return;
      case 'token':
        this.logprobs[lane]!.push(event.token.logprob);
        return this.view?.add(lane, event.token.text);
      case 'end':
        this.ends.set(lane, event);
        if (event.stop.reason === 'error') await this.view?.add(lane, `[${event.stop.error.message}]`);
        return this.view?.end(lane);
    }
  }

  /** @param first ids of the first lane, by default this one */
  compared(lane: number, planned: PlannedLane, first?: readonly number[]): ComparedLane {
    const end = this.ends.get(lane);
    if (end === undefined) throw new Error('A lane ended without an end event.');
    const logprobs = this.logprobs[lane]!;
    return {
      ...planned,
      start: this.starts.get(lane) ?? null,
      end,
      perplexity: perplexity(logprobs),
      meanSurprisal: meanSurprisal(logprobs),
      distinct1: distinctN(end.ids, 1),
      distinct2: distinctN(end.ids, 2),
      divergesAt: divergesAt(first ?? end.ids, end.ids),
    };
  }
}
