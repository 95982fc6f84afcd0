import type { SamplerName, SamplingParams } from '../types.ts';
import { Candidates } from './candidates.ts';
import { draw } from './dist.ts';
import { applyLogitBias } from './logit-bias.ts';
import { applyMinP } from './min-p.ts';
import { applyPenalties } from './penalties.ts';
import { Mt19937 } from './rng.ts';
import { applyTemperature } from './temperature.ts';
import { applyTopK } from './top-k.ts';
import { applyTopP } from './top-p.ts';

export interface Sampled {
  id: number;
  /** With which the chain drew it, 0..1. */
  probability: number;
  /** Tokens that could be drawn. */
  survivors: number;
}

/** Told what the candidates are after each stage; `drawn` is the slot chosen, in the stage `dist` only. */
export type StageObserver = (stage: string, candidates: Candidates, drawn?: number) => void;

export interface SamplerChainOptions {
  /** Tokens that are never drawn, whatever the settings. */
  maskedIds?: readonly number[];
  /** Candidates that top-p and min-p leave at least. Default 0: they always leave the best one. */
  minKeep?: number;
}

/**
 * Chooses tokens as llama.cpp does: mask, logit bias, the stages in the order of the settings, `dist`. One chain serves
 * one reply: it owns the random numbers.
 */
export class SamplerChain {
  private readonly candidates: Candidates;
  private readonly rng: Mt19937;
  private readonly maskedIds: readonly number[];
  private readonly minKeep: number;

  constructor(
    vocabularySize: number,
    private readonly params: Omit<SamplingParams, 'seed'>,
    seed: number,
    options: SamplerChainOptions = {},
  ) {
    this.candidates = new Candidates(vocabularySize);
    this.rng = new Mt19937(seed);
    this.maskedIds = options.maskedIds ?? [];
    this.minKeep = options.minKeep ?? 0;
  }

  /**
   * @param logits `[vocabulary]` raw logits, left as they are
   * @param history prompt and reply so far, oldest first
   * @throws EngineError BAD_REQUEST when the settings rule out every token
   */
  sample(logits: Float32Array, history: readonly number[], observe?: StageObserver): Sampled {
    const { candidates, params } = this;
    candidates.reset(logits);
    observe?.('start', candidates);
    if (this.maskedIds.length > 0) {
      for (const id of this.maskedIds) candidates.logits[id] = Number.NEGATIVE_INFINITY;
      observe?.('mask', candidates);
    }
    if (params.logitBias.length > 0) {
      applyLogitBias(candidates, params.logitBias);
      observe?.('logit_bias', candidates);
    }
    for (const stage of params.samplers) {
      this.apply(stage, history);
      observe?.(stage, candidates);
    }
    const survivors = candidates.countDrawable();
    const slot = draw(candidates, this.rng);
    observe?.('dist', candidates, slot);
    return { id: candidates.ids[slot], probability: candidates.probabilities[slot], survivors };
  }

  /** After `sample`: with which probability each of `ids` could have been drawn; null for those ruled out. */
  sampledProbabilities(ids: readonly number[]): (number | null)[] {
    const wanted = new Map<number, number | null>(ids.map((id) => [id, null]));
    const { candidates } = this;
    for (let i = 0; i < candidates.length; i++) {
      const id = candidates.ids[i];
      if (wanted.has(id) && candidates.logits[i] > Number.NEGATIVE_INFINITY) {
        wanted.set(id, candidates.probabilities[i]);
      }
    }
    return ids.map((id) => wanted.get(id) ?? null);
  }

  private apply(stage: SamplerName, history: readonly number[]): void {
    const { candidates, params, minKeep } = this;
    switch (stage) {
      case 'penalties':
        return applyPenalties(
          candidates,
          {
            lastN: params.penaltyLastN === -1 ? history.length : params.penaltyLastN,
            repeat: params.repeatPenalty,
            frequency: params.frequencyPenalty,
            presence: params.presencePenalty,
          },
          history,
        );
      case 'top_k':
        return applyTopK(candidates, params.topK);
      case 'top_p':
        return applyTopP(candidates, params.topP, minKeep);
      case 'min_p':
        return applyMinP(candidates, params.minP, minKeep);
      case 'temperature':
        return applyTemperature(candidates, params.temperature);
    }
  }
}
