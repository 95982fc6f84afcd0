import type { SamplingParams } from '../types.ts';
import { Candidates } from './candidates.ts';
import { draw } from './dist.ts';
import type { VocabularyText } from './dry-breakers.ts';
import { applyLogitBias } from './logit-bias.ts';
import { Mirostat } from './mirostat.ts';
import { Mt19937 } from './rng.ts';
import { createStage, type Stage } from './stages.ts';
import { applyTemperature } from './temperature.ts';

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
  /** Needed when DRY is on: what its breakers are found with. */
  vocabulary?: VocabularyText;
}

/** Chooses one of the candidates; the last step of a chain. */
type Draw = (candidates: Candidates) => number;

/**
 * Chooses tokens as llama.cpp does: mask, logit bias, the stages in the order of the settings, `dist`. Mirostat takes
 * the place of all stages but the temperature. One chain serves one reply: each of its random stages owns a generator,
 * all with the same seed.
 */
export class SamplerChain {
  private readonly candidates: Candidates;
  private readonly maskedIds: readonly number[];
  private readonly stages: readonly (readonly [name: string, stage: Stage])[];
  private readonly draw: Draw;

  constructor(
    vocabularySize: number,
    private readonly params: Omit<SamplingParams, 'seed'>,
    seed: number,
    options: SamplerChainOptions = {},
  ) {
    this.candidates = new Candidates(vocabularySize);
    this.maskedIds = options.maskedIds ?? [];
    if (params.mirostat === 0) {
      const context = { seed, vocabulary: options.vocabulary };
      const rng = new Mt19937(seed);
      this.stages = params.samplers.map((name) => [name, createStage(name, params, context)] as const);
      this.draw = (candidates) => draw(candidates, rng);
    } else {
      const settings = { version: params.mirostat, tau: params.mirostatTau, eta: params.mirostatEta };
      const mirostat = new Mirostat(settings, vocabularySize, seed);
      this.stages = [
        ['temperature', (candidates) => applyTemperature(candidates, params.temperature)],
        ['mirostat', (candidates) => mirostat.cut(candidates)],
      ];
      this.draw = (candidates) => mirostat.draw(candidates);
    }
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
    for (const [name, stage] of this.stages) {
      stage(candidates, history);
      observe?.(name, candidates);
    }
    const survivors = candidates.countDrawable();
    const slot = this.draw(candidates);
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
}
