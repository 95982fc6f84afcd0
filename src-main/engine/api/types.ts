/**
 * The engine's public data: plain and structured-clonable. The wire contract (`protocol/`) carries exactly
 * these shapes, so the renderer sees what the engine means.
 */
import type { ErrorPayload } from './errors.ts';
import type { ChatMessage, PromptInput } from './prompt-types.ts';
import type { StopParams } from '../settings/generation.ts';
import type { SamplingParams } from '../settings/sampling.ts';
import type { TokenPiece } from './token-types.ts';

export type { ErrorPayload } from './errors.ts';

export type { Detokenized, TokenInfo, TokenizeParams, Tokenized, TokenKind, TokenPiece } from './token-types.ts';

export type { ChatMessage, ChatTemplateChoice, PromptInput, WhenFull } from './prompt-types.ts';

export type { StopParams } from '../settings/generation.ts';
export { DEFAULT_SAMPLER_ORDER } from '../settings/sampling.ts';
export type { SamplerName, SamplingParams } from '../settings/sampling.ts';
export type { GrammarSource } from '../settings/setting.ts';

export type { LanesEvent, LanesPrefill } from './lane-types.ts';

export type { OpProfile, Profile, ProfileParams, RunProfile } from './profile-types.ts';

/** How a reply that goes on had ended. */
export interface Continues {
  /** Null when nobody said, as after a crash. */
  reason: StopReason | null;
  /** The string that matched (stop_string). */
  stopString?: string;
}

/** Where a grammar, a schema or a template is wrong. Lines and columns count from 1. */
export interface SourceProblem {
  message: string;
  line: number;
  column: number;
}

export interface GenerateParams {
  prompt: PromptInput;
  sampling: SamplingParams;
  stop: StopParams;
  /** Off: every step recomputes the whole sequence, so that the saving of the cache can be seen. Default true. */
  useKvCache: boolean;
  /** Candidates reported per token, within `TOP_CANDIDATES`. */
  topCandidates: number;
  /**
   * The reply goes on from the prompt's end: a chat's last message is what was written of it so far. What had ended it
   * would come first again: that stop string is passed over once, and the first token is no end-of-text token. The
   * tokens' texts join the text before. Omitted: a new reply.
   */
  continues?: Continues;
}

export type ExecutorName = 'reference' | 'wasm';

/** Why a reply ended, with the values that explain it; `protocol/engine/stop-sentence.ts` puts them into a sentence. */
export type Stop = StopCause & {
  /** Tokens that `whenFull: 'shift'` left out of the context window. Left out where none were. */
  droppedTokens?: number;
};

export type StopReason = StopCause['reason'];

type StopCause =
  /** `token`: the end-of-generation token; null where the grammar allows nothing after the text. */
  | { reason: 'eos'; token: { id: number; piece: string } | null }
  | { reason: 'max_tokens'; maxTokens: number }
  | { reason: 'stop_string'; stopString: string }
  /** The last `window` tokens equal the `window` before them. */
  | { reason: 'repetition'; window: number }
  /** `tokens`: generated until then; as below. */
  | { reason: 'time_limit'; timeLimitMs: number; tokens: number }
  | { reason: 'context_full'; promptTokens: number; contextSize: number }
  /** `to`: what the person did instead, for example `load SmolLM2`; left out where they only stopped it. */
  | { reason: 'user'; tokens: number; to?: string }
  | { reason: 'error'; tokens: number; error: ErrorPayload };

/** One candidate for the next token. */
export interface Candidate {
  id: number;
  /** What it stands for: ` world`, `\n`, `##ing`, `<EOS>`; `<0xE2>` for a byte of a character. */
  piece: string;
  /** Natural log of the model's own probability: raw logits, nothing masked, no sampler. */
  logprob: number;
  /** Probability after the sampler chain, 0..1; null when the chain removed or masked the token. */
  sampledProbability: number | null;
}

/** What a token belongs to: the answer, the model's reasoning before it, or the marks around that reasoning. */
export type ReplyPart = 'answer' | 'reasoning' | 'reasoning_mark';

/** One generated token. The concatenated `text` of all tokens is the reply's text, always. */
export interface GeneratedToken {
  id: number;
  /** As in `Candidate`. */
  piece: string;
  part: ReplyPart;
  /** Text this token adds to the reply: may be empty (part of a character) or cut short (before a stop string). */
  text: string;
  /** Natural log of the model's own probability (raw). */
  logprob: number;
  /** Rank among all tokens by raw logit, from 1. */
  rank: number;
  /** Probability with which the chain drew it, 0..1 (1 for greedy). */
  sampledProbability: number;
  /** Most probable raw candidates, best first; as many as asked for with `topCandidates`. */
  candidates: Candidate[];
  /** How many tokens could still be drawn after the chain. */
  survivors: number;
  /** Time from the previous token (from the request for the first), ms. */
  latencyMs: number;
}

export interface Timings {
  /** Loading the model, ms (0 when it was loaded already). */
  loadMs: number;
  /** Reading the prompt, ms. */
  prefillMs: number;
  /** From the request to the first token, ms; null when there was none. */
  timeToFirstTokenMs: number | null;
  /** Prompt tokens computed (those found in the cache left out) / prefill time; null when nothing was computed. */
  prefillTokensPerSecond: number | null;
  /** Tokens after the first / time since the first; null for fewer than two tokens. */
  decodeTokensPerSecond: number | null;
  /** From the request to the end, ms. */
  totalMs: number;
}

/** One message of a chat prompt and what it costs, for the context panel. */
export interface PromptSegment {
  role: ChatMessage['role'];
  /** Index into the given messages. */
  message: number;
  tokens: number;
  dropped: boolean;
}

/** What `whenFull: 'shift'` has left out of the context window so far, in tokens. */
export interface DroppedTokens {
  total: number;
  /** Of each of `GenerateStart.segments`. */
  segments: number[];
  /** Of the reply; after Continue, what was written before is a segment. */
  reply: number;
}

/** Sent once, before the first token. */
export interface GenerateStart {
  /** What is fed, BOS included. */
  promptIds: number[];
  /** Tokens of the prompt that were in the cache already. */
  reusedTokens: number;
  /** Empty unless the prompt is a chat. */
  segments: PromptSegment[];
  /** What a person should know about how the prompt was made, for example a role that the template does not know. */
  notices: string[];
  seed: number;
  executor: ExecutorName;
  contextSize: number;
  /** Of the model that writes the reply. */
  vocabularySize: number;
}

/** Sent once, last. */
export interface GenerateEnd {
  /** Ids of the reply, without the end-of-generation token. */
  ids: number[];
  text: string;
  stop: Stop;
  timings: Timings;
  seed: number;
  /** Tokens in the context window after the reply. */
  contextUsed: number;
  /** Left out when nothing was dropped. */
  dropped?: DroppedTokens;
}

export type GenerateEvent =
  | ({ type: 'start' } & GenerateStart)
  /** `dropped`: with the first token after a shift only. The window holds prompt and reply so far but for these. */
  | { type: 'token'; token: GeneratedToken; dropped?: DroppedTokens }
  | ({ type: 'end' } & GenerateEnd);

/**
 * Numbers that the `wasm` executor stores K and V as. `q8`: 8-bit codes with one scale for each head of a token; half the
 * memory of `f16`, and less exact where single values of K are far larger than the others.
 */
export type KvCacheType = 'f32' | 'f16' | 'q8';

/** Matrices of one type of the file, and how the kernels keep them. */
export interface KeptWeights {
  /** ggml's name of the file's type. */
  type: string;
  /** The type whose values are in memory: another one where kernels read none of the file's. */
  keptAs: string;
  matrices: number;
  /** In memory. */
  bytes: number;
}

/** Which CPU kernels compute a model, and on how many threads. */
export interface KernelsInfo {
  /** Name of the variant, for example `threads`. */
  variant: string;
  /** Bits of the sums of products of 4-bit codes, and why, for a person. */
  sums: { bits: 16 | 32; reason: string };
  /** From how many places in memory single tokens read weights in turns; and why, for a person. */
  places: { count: number; reason: string };
  /** Most bytes first. */
  weights: KeptWeights[];
  /** Threads that read prompts. */
  threads: number;
  /** Threads that compute single tokens: fewer where sharing so little work among more costs more than it gains. */
  decodeThreads: number;
  /** Why this variant and these numbers, for a person. */
  reason: string;
  /** How K and V are stored. */
  kvCacheType: KvCacheType;
}

export interface ModelInfo {
  id: string;
  name: string;
  architecture: string;
  parameters: number;
  /** Bytes of the model's files. */
  fileBytes: number;
  layers: number;
  hiddenSize: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  feedForwardSize: number;
  vocabularySize: number;
  /** Context window in tokens: prompt and reply together. */
  contextSize: number;
  bosTokenId: number | null;
  eosTokenIds: number[];
  /** Never generated: -inf in the logits. */
  maskedTokenIds: number[];
  /** Whether the model knows chat roles; without them a message is the beginning of a text and the reply continues it. */
  hasChatRoles: boolean;
  /** Jinja source of the file's own chat template; null when it has none. */
  chatTemplate: string | null;
  /** Marks around the model's reasoning, for example `<think>` and `</think>`; null when it has none. */
  reasoningMarks: { open: string; close: string } | null;
  /** What the file recommends (`general.sampling.*`, generation_config.json): holds unless a person set the value. */
  samplingDefaults: Partial<SamplingParams>;
  /** Default of `StopParams.repetitionWindow`. */
  defaultRepetitionWindow: number;
  executor: ExecutorName;
  /** Null for the reference executor, which has none. */
  kernels: KernelsInfo | null;
  loadMs: number;
  /** Bytes held for weights, for K and V, and for computing: activations, tokenizer, threads. */
  memoryBytes: { weights: number; kvCache: number; scratch: number };
}

export interface LoadProgress {
  phase: 'header' | 'weights' | 'tokenizer' | 'ready';
  bytesRead: number;
  totalBytes: number;
}

/** One piece of a tokenised text. */
/** What `renderChat` takes: a chat prompt without a request to answer it. */
export type RenderChatParams = Omit<Extract<PromptInput, { kind: 'chat' }>, 'kind'>;

/** A chat as the model reads it. */
export interface RenderedChat {
  text: string;
  ids: number[];
  tokens: TokenPiece[];
  segments: PromptSegment[];
  notices: string[];
}

export interface ScoreParams {
  prompt: PromptInput;
  /** Most probable tokens reported per position. Default 10. */
  top: number;
}

/** How probable the model finds a text. Natural logarithms, nothing masked, no sampler. */
export interface Score {
  ids: number[];
  /** `[ids.length - 1]`: logprob of token i+1 after tokens 0..i. */
  logprobs: number[];
  /** `[ids.length - 1]`: rank of token i+1 after tokens 0..i, from 1. */
  ranks: number[];
  /** `[ids.length][top]`: the most probable `[id, logprob]` after token i, the last included. */
  top: [number, number][][];
  /** exp(-mean logprob); null for fewer than two tokens. */
  perplexity: number | null;
}

/** A tensor pulled out of a run. Row-major. */
export interface TappedTensor {
  name: string;
  /** For example `[tokens, hidden]` or `[heads, tokens, tokens]`. */
  shape: number[];
  values: number[];
}

export interface SamplerStageReport {
  /** `mask`, `logit_bias`, a sampler's name, `mirostat` or `dist`. */
  stage: string;
  /** Whether any probability is different now. A stage that is off changes nothing. */
  changed: boolean;
  /** Candidates left after the stage. */
  survivors: number;
  removed: number;
  /** The most probable candidates after the stage: `[id, probability]`. */
  top: [number, number][];
  /** `[top.length]`: what the same candidates' probabilities were before the stage. */
  topBefore: number[];
  /** The most probable candidates that the stage removed: `[id, probability before it]`. At most as many as asked for. */
  removedTop: [number, number][];
  /** Probability that all removed candidates had together before the stage, 0..1. */
  removedMass: number;
}

/** The ten steps of the guide for one prompt, with the numbers the model really used. */
export interface Inspection {
  model: ModelInfo;
  prompt: { text: string | null; ids: number[]; tokens: TokenPiece[] };
  /** `[tokens, hidden]` each: token vectors, position vectors, their sum. */
  tokenEmbedding: TappedTensor;
  positionEmbedding: TappedTensor | null;
  embedding: TappedTensor;
  layers: {
    index: number;
    /** `[heads, tokens, tokens]`: query attends to key. */
    attention: TappedTensor;
    /** `[tokens, hidden]`: after attention, residual and norm. */
    attentionOutput: TappedTensor;
    /** `[tokens, ff]`: hidden activations of the feed-forward network. */
    feedForwardHidden: TappedTensor;
    /** `[tokens, hidden]`: the layer's output. */
    output: TappedTensor;
  }[];
  /** `[vocabulary]`, raw, at the last position. */
  logits: TappedTensor;
  /** Most probable raw candidates. */
  probabilities: Candidate[];
  sampling: { stages: SamplerStageReport[]; chosen: Candidate; seed: number };
  /** Further tokens of the loop: the first is `sampling.chosen`. */
  loop: { step: number; contextTokens: number; id: number; piece: string; text: string; logprob: number }[];
  reply: { ids: number[]; text: string; stop: Stop };
}

export interface InspectParams {
  prompt: PromptInput;
  sampling: SamplingParams;
  stop: StopParams;
  /** Candidates reported. Default 10. */
  topCandidates: number;
}

/** What the next token of a prompt would be drawn from: the sampler chain at work, without a token drawn. */
export interface SamplingPreview {
  promptTokens: number;
  /** Most probable raw candidates, best first. */
  candidates: Candidate[];
  /** Tokens that could be drawn. */
  survivors: number;
  /** What each stage did, in the order they ran. */
  stages: SamplerStageReport[];
}
