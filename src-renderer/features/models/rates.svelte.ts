import { defaultSamplingParams, defaultStopParams } from '../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { GenerateParams, ModelInfo } from '../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../src-main/protocol/engine/api.ts';
import type { AppServices, MeasuredRate } from '../../../src-main/protocol/app/app-services.ts';
import { now } from '../chat/state/identity.ts';
import type { MeasuredReply } from '../chat/state/measurements.svelte.ts';

/** Tokens that are read and written to measure a model, where its context has room for them. */
const PROMPT_TOKENS = 64;
const REPLY_TOKENS = 48;
/** A slow model is measured by what it writes in this time, ms. */
const TIME_LIMIT_MS = 20_000;
/** Fewer say little about a rate. */
const SMALLEST_REPLY = 8;

export interface RatesParts {
  readonly services: AppServices;
  /** @throws EngineError BACKEND_LOST */
  client(): EngineApi;
  /** The app remembers this model, so its rate can be saved. */
  isListed(id: string): boolean;
}

/** How fast models are on this computer: from replies, or from a measurement that a person asks for. */
export class Rates {
  /** The model that is being measured. */
  measuringId = $state<string | null>(null);
  error = $state<string | null>(null);
  #abort: AbortController | null = null;
  readonly #parts: RatesParts;

  constructor(parts: RatesParts) {
    this.#parts = parts;
  }

  /** Reads and writes some tokens with the model in memory, and saves how fast that was. */
  async measure(model: ModelInfo): Promise<void> {
    if (this.measuringId !== null) return;
    this.measuringId = model.id;
    this.error = null;
    this.#abort = new AbortController();
    const { signal } = this.#abort;
    try {
      const params = measurement(model);
      for await (const event of this.#parts.client().stream('generate', params, { signal })) {
        if (event.type === 'end' && !signal.aborted) {
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

/** Any tokens do: each costs the same. Others each time, so that none is found in the cache. */
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
    topCandidates: 0,
  };
}
