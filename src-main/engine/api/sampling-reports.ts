/** What a sampler chain does to the next token, stage by stage. */
import type { StopParams } from '../settings/generation.ts';
import type { SamplingParams } from '../settings/sampling.ts';
import type { Intervention } from './inside-types.ts';
import type { PromptInput } from './text-types.ts';
import type { Candidate, Continues } from './types.ts';

export interface InspectParams {
  prompt: PromptInput;
  sampling: SamplingParams;
  stop: StopParams;
  /** Candidates reported. Default 10. */
  topCandidates: number;
}

/** What `inspect` takes: a prompt, and how to run and explain it. */
export interface InspectRunParams extends InspectParams {
  /** Default none. They also apply to the reply. */
  interventions?: Intervention[];
  /** Whether to attribute the logit of the first token of the reply. Default false. */
  attribution?: boolean;
  /** Whether to list what each layer would predict. Default false. */
  lens?: boolean;
}

export interface PreviewParams extends InspectParams {
  /** The first token of the reply, as in `GenerateParams`: it was not drawn. Those in `reply` follow it. */
  firstToken?: number;
  /**
   * The tokens of a reply before the one in question. `SamplingPreview.draw` then explains how a reply with this prompt,
   * these settings and this seed draws it: with the random number of that token, and with the state that the stages have
   * after the tokens before. Requires `sampling.seed`.
   */
  reply?: number[];
  /** As in `GenerateParams`. */
  continues?: Continues;
  /** A token to report whatever its rank, for example the one that a reply has here. */
  token?: number;
  /** As in `GenerateParams`, except that nothing is stored. */
  storePrefixFor?: string;
}

/** What a stage computed besides its settings. */
export interface StageFindings {
  /** Temperature: the divisor, which differs from the setting if it is dynamic. */
  temperature?: number;
  /** XTC: the random number, 0..1, that decided whether it acts: up to `xtcProbability`. */
  random?: number;
  /** Mirostat: highest surprisal that may be drawn, in bits. */
  maxSurprisal?: number;
}

export interface SamplerStageReport {
  /** `mask`, `logit_bias`, a sampler's name, `mirostat` or `dist`. */
  stage: string;
  /** Whether any probability changed. A stage that is off changes nothing. */
  changed: boolean;
  /** Candidates left after the stage. */
  survivors: number;
  removed: number;
  /** The most probable candidates after the stage: `[id, probability]`. */
  top: [number, number][];
  /** `[top.length]`: the same candidates' probabilities before the stage. */
  topBefore: number[];
  /** The most probable candidates that the stage removed: `[id, probability before it]`. Limited like `top`. */
  removedTop: [number, number][];
  /** Total probability of all removed candidates before the stage, 0..1. */
  removedMass: number;
  /** Absent if there are none. */
  findings?: StageFindings;
}

/** A preview of the next token's distribution: the sampler chain's effect. */
export interface SamplingPreview {
  /** Tokens of prompt, `firstToken` and `reply`. */
  promptTokens: number;
  /** The requested token, with its rank by raw logit, from 1; null if none was requested. */
  token: (Candidate & { rank: number }) | null;
  /** Most probable raw candidates, best first. */
  candidates: Candidate[];
  /** Tokens that could be drawn. */
  survivors: number;
  /** What each stage did, in the order they ran. */
  stages: SamplerStageReport[];
  /** Null unless `PreviewParams.reply` was given. */
  draw: DrawReport | null;
}

/** How one token is drawn. */
export interface DrawReport {
  id: number;
  piece: string;
  /** Probability after the chain, 0..1. */
  probability: number;
  /** 0..1; null if none is needed: mirostat and adaptive-p draw none for a single candidate. */
  random: number | null;
  /**
   * Survivors laid end to end from 0 to 1, in the order of the chain. The token is the one with `from < random <= to`. Only
   * those in `rows` and the `topCandidates` most probable ones are listed.
   */
  line: { id: number; piece: string; from: number; to: number }[];
  /**
   * Candidates on their way through the chain, by rank: the most probable ones before and after it, the best one that each
   * stage removed, and the drawn one.
   */
  rows: CandidatePath[];
}

export interface CandidatePath {
  id: number;
  piece: string;
  /** Among all tokens by raw logit, from 1. */
  rank: number;
  /** The model's own. */
  logit: number;
  /** Of the model's own probability, natural. */
  logprob: number;
  /** `[SamplingPreview.stages.length]`: after each stage; null from the one that removed it on. */
  stages: ({ logit: number; probability: number } | null)[];
}
