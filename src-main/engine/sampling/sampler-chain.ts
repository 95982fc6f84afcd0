import type { SamplingParams, StageFindings } from '../api/types.ts';
import { AdaptiveP, type AdaptivePState } from './adaptive-p.ts';
import { Candidates } from './candidates.ts';
import { draw } from './dist.ts';
import type { VocabularyText } from './dry-breakers.ts';
import { applyLogitBias } from './logit-bias.ts';
import type { Logits } from './logits.ts';
import { Mirostat, type MirostatState } from './mirostat.ts';
import { Mt19937, type Mt19937State } from './rng.ts';
import { createStage, drawSteps, KEEPS_BEST, OFF, type Stage } from './stages.ts';
import { applyTemperature } from './temperature.ts';
import type { DrawChoice, NextChoice } from './next-choice.ts';

export interface Sampled {
  id: number;
  /** Its probability in the chain when drawn, 0..1. */
  probability: number;
  /** Number of tokens that could be drawn. */
  survivors: number;
}

/** What an observer learns besides the candidates after a stage. */
export interface StageOutcome {
  findings?: StageFindings | undefined;
  /** Only after the stage `dist`: the chosen slot, and the random number unless none was needed. */
  drawn?: { slot: number; random: number | null };
}

/** Called with the candidates after each stage. */
export type StageObserver = (stage: string, candidates: Candidates, outcome: StageOutcome) => void;

/** A stage with its name for reports. */
export type NamedStage = readonly [name: string, stage: Stage];

export interface SamplerChainOptions {
  /** Tokens that are never drawn, whatever the settings. */
  maskedIds?: readonly number[];
  /** Stages after the mask and before all stages of the settings, in order. */
  first?: readonly NamedStage[];
  /** Required for DRY, to find its breakers. */
  vocabulary?: VocabularyText;
}

/** The state of a chain that changes from token to token. */
export interface ChainState {
  readonly generators: readonly Mt19937State[];
  readonly mirostat: MirostatState | null;
  readonly adaptiveP: AdaptivePState | null;
}

/** The last step of a chain. */
interface Draw {
  /** Draws one of the candidates. @returns its slot */
  draw(candidates: Candidates): number;
  /** The random number that `draw` would use; null if none. */
  peek(candidates: Candidates): number | null;
  /** Changes its state as if it had drawn token `id`. */
  follow(candidates: Candidates, id: number): void;
}

/**
 * Chooses tokens as llama.cpp does: mask, the reply's constraints (`first`), logit bias, the stages in the order of the
 * settings, `dist`. Adaptive-p replaces `dist`, mirostat all stages except the temperature. One chain serves one reply:
 * each of its random stages has its own generator, all with the same seed.
 */
export class SamplerChain {
  private readonly candidates: Candidates;
  private readonly masked: ReadonlySet<number>;
  private readonly first: readonly NamedStage[];
  private readonly stages: readonly NamedStage[];
  /** Those that have an effect. */
  private readonly active: readonly NamedStage[];
  private readonly draw: Draw;
  /** What the current stage noted. */
  private findings: StageFindings | undefined;
  /** Generators of the stages and of `dist`; mirostat has its own. */
  private readonly generators: Mt19937[] = [];
  private readonly mirostat: Mirostat | null = null;
  private readonly adaptiveP: AdaptiveP | null = null;

  constructor(
    vocabularySize: number,
    private readonly params: Omit<SamplingParams, 'seed'>,
    seed: number,
    options: SamplerChainOptions = {},
  ) {
    this.candidates = new Candidates(vocabularySize);
    this.masked = new Set(options.maskedIds);
    this.first = options.first ?? [];
    if (params.mirostat === 0) {
      const createRng = (): Mt19937 => {
        const rng = new Mt19937(seed);
        this.generators.push(rng);
        return rng;
      };
      const note = (findings: StageFindings): void => void (this.findings = findings);
      const context = { createRng, vocabulary: options.vocabulary, note };
      const rng = createRng();
      const stages = params.samplers.map((name): NamedStage => [name, createStage(name, params, context)]);
      if (params.adaptiveTarget < 0) {
        this.stages = stages;
        this.draw = {
          draw: (candidates) => draw(candidates, rng),
          peek: () => rng.peekDouble(),
          follow: () => void rng.nextDouble(),
        };
      } else {
        const adaptiveP = new AdaptiveP({ target: params.adaptiveTarget, decay: params.adaptiveDecay }, seed);
        this.adaptiveP = adaptiveP;
        this.stages = [...stages, ['adaptive_p', (candidates) => adaptiveP.transform(candidates)]];
        this.draw = adaptiveP;
      }
    } else {
      const settings = { version: params.mirostat, tau: params.mirostatTau, eta: params.mirostatEta };
      const mirostat = new Mirostat(settings, vocabularySize, seed);
      this.mirostat = mirostat;
      this.stages = [
        ['temperature', (candidates) => applyTemperature(candidates, params.temperature)],
        [
          'mirostat',
          (candidates) => {
            this.findings = { maxSurprisal: mirostat.maxSurprisal };
            mirostat.cut(candidates);
          },
        ],
      ];
      this.draw = mirostat;
    }
    this.active = this.stages.filter(([, stage]) => stage !== OFF);
  }

  /**
   * @param logits `[vocabulary]` raw logits, not changed and not needed any more afterwards
   * @param history prompt and reply so far, oldest first
   * @throws EngineError BAD_REQUEST when the settings rule out every token
   */
  sample(logits: Float32Array | Logits, history: readonly number[], observe?: StageObserver): Sampled {
    const { candidates, draw } = this;
    this.runStages(logits, history, observe);
    const survivors = candidates.countDrawable();
    const random = observe ? draw.peek(candidates) : null;
    const slot = draw.draw(candidates);
    observe?.('dist', candidates, { drawn: { slot, random } });
    return { id: candidates.idAt(slot), probability: candidates.probability(slot), survivors };
  }

  /**
   * The steps of a chain that only truncates and scales the best logits; null for others, and for a greedy one. It need
   * not consider masked tokens and constraints of the reply.
   */
  private get drawSteps(): DrawChoice['steps'] | null {
    const { params } = this;
    if (!this.isPlain || params.minKeep > 1 || params.temperature <= 0) return null;
    const steps = this.active.map(([name]) => drawSteps(name, params));
    if (steps.includes(null)) return null;
    const all = steps.flatMap((some) => some ?? []);
    // Candidates are in the order of their logits only after this one.
    return all[0]?.[0] === 'count' && all.length <= 4 ? all : null;
  }

  /** How a later token is drawn, 0 for the next, if the chain is that simple. */
  choiceOf(draw: number): NextChoice | null {
    if (this.isGreedy) return 'greedy';
    const steps = this.drawSteps;
    if (steps === null) return null;
    const copy = new Mt19937(0);
    copy.restore(this.generators[0].save());
    for (let i = 0; i < draw; i++) copy.nextDouble();
    return { steps, random: copy.nextDouble() };
  }

  /** Whether it has neither state nor stages of its own beside those of the settings. */
  private get isPlain(): boolean {
    const { params } = this;
    return (
      params.mirostat === 0 && params.adaptiveTarget < 0 && this.first.length === 0 && params.logitBias.length === 0
    );
  }

  /**
   * Whether the next token is certainly the first with the highest logit, unless that is masked or a constraint of the
   * reply rules it out.
   */
  private get isGreedy(): boolean {
    const { params } = this;
    if (!this.isPlain) return false;
    const names = this.active.map(([name]) => name);
    const isFirst = params.temperature <= 0 && params.dynatempRange === 0 && names.includes('temperature');
    return isFirst && names.every((name) => KEEPS_BEST.has(name));
  }

  /** Whether `follow` needs logits: the state depends on more than the number of tokens. */
  get followsLogits(): boolean {
    const { params } = this;
    return this.mirostat !== null || this.adaptiveP !== null || params.xtcProbability > 0;
  }

  /**
   * Changes the state as if `id` had been drawn after `history`, without drawing.
   * @param logits as for `sample`; null unless `followsLogits`
   */
  follow(id: number, logits: Float32Array | Logits | null, history: readonly number[]): void {
    if (logits !== null) this.runStages(logits, history);
    this.draw.follow(this.candidates, id);
  }

  private runStages(logits: Float32Array | Logits, history: readonly number[], observe?: StageObserver): void {
    const { candidates, params } = this;
    candidates.reset(logits);
    observe?.('start', candidates, {});
    if (this.masked.size > 0) {
      candidates.mask(this.masked);
      observe?.('mask', candidates, {});
    }
    for (const [name, stage] of this.first) {
      stage(candidates, history);
      observe?.(name, candidates, {});
    }
    if (params.logitBias.length > 0) {
      applyLogitBias(candidates, params.logitBias);
      observe?.('logit_bias', candidates, {});
    }
    for (const [name, stage] of observe ? this.stages : this.active) {
      this.findings = undefined;
      stage(candidates, history);
      observe?.(name, candidates, { findings: this.findings });
    }
  }

  /** Saves the state of the random numbers, mirostat and adaptive-p, for backtracking or another sequence. */
  save(): ChainState {
    return {
      generators: this.generators.map((rng) => rng.save()),
      mirostat: this.mirostat?.save() ?? null,
      adaptiveP: this.adaptiveP?.save() ?? null,
    };
  }

  /** @param state of this chain or of one with the same settings */
  restore({ generators, mirostat, adaptiveP }: ChainState): void {
    generators.forEach((state, i) => this.generators[i].restore(state));
    if (mirostat !== null) this.mirostat?.restore(mirostat);
    if (adaptiveP !== null) this.adaptiveP?.restore(adaptiveP);
  }

  /** After `sample`: the probability of each of `ids` in the chain; null for those ruled out. */
  sampledProbabilities(ids: readonly number[]): (number | null)[] {
    const { candidates } = this;
    return ids.map((id) => {
      const slot = candidates.slotOf(id);
      return slot === -1 ? null : candidates.probability(slot);
    });
  }
}
