import { defaultSamplingParams, defaultStopParams } from '../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { GenerateParams, ModelInfo } from '../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../src-main/protocol/engine/api.ts';
import type { AppServices, MeasuredRate } from '../../../src-main/protocol/app/app-services.ts';
import { now } from '../chat/state/identity.ts';
import type { MeasuredReply } from '../chat/state/measurements.svelte.ts';

/** Number of tokens processed and generated to measure a model, if they fit its context. */
const PROMPT_TOKENS = 64;
const REPLY_TOKENS = 48;
/** Time limit of a measurement, ms, for slow models. */
const TIME_LIMIT_MS = 20_000;
/** Minimum number of tokens for a rate. */
const SMALLEST_REPLY = 8;

export interface RatesParts {
  readonly services: AppServices;
  /** @throws EngineError BACKEND_LOST */
  client(): EngineApi;
  /** Whether the model is in the library, so that its rate can be saved. */
  isListed(id: string): boolean;
}

/** How fast models are on this computer: measured from replies, or on request. */
export class Rates {
  /** The model that is being measured. */
  measuringId = $state<string | null>(null);
  error = $state<string | null>(null);
  #abort: AbortController | null = null;
  readonly #parts: RatesParts;

  constructor(parts: RatesParts) {
    this.#parts = parts;
  }

  /** Processes and generates some tokens with the loaded model, and saves the rates. */
  async measure(model: ModelInfo): Promise<void> {
    if (this.measuringId !== null) return;
    this.measuringId = model.id;
    this.error = null;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const params = measurement(model);
      for await (const event of this.#parts.client().stream('generate', params, { signal })) {
        // The rates would be those of two executors.
        if (event.type === 'moved') this.error = event.notice;
        if (event.type === 'end' && !signal.aborted && this.error === null) {
          await this.note({ model, timings: event.timings, tokens: event.ids.length });
        }
      }
    } catch (thrown) {
      const error = EngineError.from(thrown);
      if (error.code !== 'CANCELLED') this.error = error.message;
    }
    this.measuringId = null;
  }

  stop(): void {
    this.#abort?.abort();
  }

  /** Saves the rates of a reply. */
  async note({ model, timings, tokens }: MeasuredReply): Promise<void> {
    const { decodeTokensPerSecond, prefillTokensPerSecond } = timings;
    if (tokens < SMALLEST_REPLY || decodeTokensPerSecond === null) return;
    if (!this.#parts.isListed(model.id)) return;
    const rate: MeasuredRate = {
      executor: model.executor,
      threads: model.kernels?.threads ?? 1,
      prefillTokensPerSecond,
      decodeTokensPerSecond,
      at: now(),
    };
    try {
      await this.#parts.services.invoke('modelMeasured', model.id, rate);
    } catch (thrown) {
      this.error = EngineError.from(thrown).message;
    }
  }
}

/** Any tokens do, as each costs the same. They start at random, so that the prefix cache has none of them. */
function measurement({ vocabularySize, contextSize }: ModelInfo): GenerateParams {
  const length = Math.max(1, Math.min(PROMPT_TOKENS, Math.floor(contextSize / 2)));
  const first = Math.floor(Math.random() * vocabularySize);
  const ids = Array.from({ length }, (_, index) => (first + index * 37) % vocabularySize);
  return {
    prompt: { kind: 'ids', ids },
    sampling: { ...defaultSamplingParams(), seed: 1 },
    stop: {
      ...defaultStopParams(),
      maxTokens: REPLY_TOKENS,
      repetitionWindow: 0,
      timeLimitMs: TIME_LIMIT_MS,
      ignoreEos: true,
    },
    useKvCache: true,
    speculate: false,
    topCandidates: 0,
  };
}
