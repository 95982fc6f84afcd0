import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { SamplingParams, StopParams } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { Answers } from './answers.svelte.ts';

/** The second token is the first one that runs behind a complete prompt. */
const TOKENS = 2;

export interface LoopTimes {
  /** Time for one more token, ms. */
  withCache: number;
  withoutCache: number;
}

/** Generates two tokens with and without the KV cache, and measures the second. */
export class LoopMeasurement {
  times = $state.raw<LoopTimes | null>(null);
  running = $state(false);
  problem = $state.raw<string | null>(null);
  readonly #engine: Pick<EngineState, 'ready'>;
  #abort: AbortController | null = null;

  constructor(engine: Pick<EngineState, 'ready'>) {
    this.#engine = engine;
  }

  async run(
    answers: Pick<Answers, 'ids' | 'hold'>,
    settings: { sampling: SamplingParams; stop: StopParams },
  ): Promise<void> {
    this.stop();
    const abort = new AbortController();
    this.#abort = abort;
    this.running = true;
    this.problem = null;
    this.times = null;
    try {
      const engine = await this.#engine.ready(abort.signal);
      const time = (useKvCache: boolean) => timeOf(engine, answers.ids, settings, useKvCache, abort.signal);
      const [withCache, withoutCache] = await answers.hold(async () => [await time(true), await time(false)] as const);
      if (abort.signal.aborted) return;
      if (withCache === null || withoutCache === null)
        this.problem = 'The reply ended after one token. Try another text.';
      else this.times = { withCache, withoutCache };
    } catch (thrown) {
      if (!abort.signal.aborted) this.problem = EngineError.from(thrown).message;
    } finally {
      if (this.#abort === abort) this.running = false;
    }
  }

  stop(): void {
    this.#abort?.abort();
    this.running = false;
  }
}

/** Ms for the second token; null if there was none. */
async function timeOf(
  engine: EngineApi,
  ids: readonly number[],
  { sampling, stop }: { sampling: SamplingParams; stop: StopParams },
  useKvCache: boolean,
  signal: AbortSignal,
): Promise<number | null> {
  const params = {
    prompt: { kind: 'ids' as const, ids: [...ids] },
    // Nothing may end it early.
    sampling: { ...sampling, grammar: null },
    stop: { ...stop, maxTokens: TOKENS, stopStrings: [], ignoreEos: true },
    // A guessed token would make the second one cost nothing, or more.
    ...{ useKvCache, topCandidates: 1, speculate: false },
  };
  let rate: number | null = null;
  for await (const event of engine.stream('generate', params, { signal })) {
    if (event.type === 'end') rate = event.timings.decodeTokensPerSecond;
  }
  return rate === null ? null : 1000 / rate;
}
