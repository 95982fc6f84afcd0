/** The engine's public data: plain and structured-clonable. The wire contract (`protocol/`) has exactly these shapes. */
import type { ErrorPayload } from './errors.ts';
import type { StopParams } from '../settings/generation.ts';
import type { SamplingParams } from '../settings/sampling.ts';
import type { ExecutorChoice, GpuAdapterFacts, KernelsInfo, MovedReply } from './executor-types.ts';
import type { AttributionPart, LensLayer } from './inside-types.ts';
import type { SamplerStageReport } from './sampling-reports.ts';
import type { ChatMessage, PromptInput, TokenPiece } from './text-types.ts';

export type { ErrorPayload } from './errors.ts';

export type {
  ChatMessage,
  ChatTemplateChoice,
  Detokenized,
  PromptInput,
  TokenInfo,
  TokenizeParams,
  Tokenized,
  TokenKind,
  TokenPiece,
  WhenFull,
} from './text-types.ts';

export type { StopParams } from '../settings/generation.ts';
export { DEFAULT_SAMPLER_ORDER } from '../settings/sampling.ts';
export type { SamplerName, SamplingParams } from '../settings/sampling.ts';
export type { GrammarSource } from '../settings/setting.ts';

export type {
  AttentionAnswer,
  AttentionMapsAnswer,
  AttributionPart,
  CacheAnswer,
  EmbeddingAnswer,
  FeedForwardAnswer,
  InsideAnswer,
  InsideEvent,
  InsideParams,
  InsideQuery,
  Intervention,
  LayerAnswer,
  LensAnswer,
  LensLayer,
  LogitsAnswer,
  NormsAnswer,
  PositionsAnswer,
  RotaryAngles,
  TokenEffect,
  TokenMerge,
  TokensAnswer,
} from './inside-types.ts';

export type {
  ExecutorChoice,
  GpuAdapterFacts,
  KernelsInfo,
  KvCacheType,
  MovedReply,
  WeightsInMemory,
} from './executor-types.ts';
export type { LanesEvent, LanesPrefill } from './lane-types.ts';

export type {
  FileHash,
  GpuMemoryAt,
  MemoryAt,
  ModelDescription,
  OpProfile,
  Profile,
  ProfileParams,
  RunConditions,
  RunProfile,
} from './model-types.ts';

export type {
  CandidatePath,
  DrawReport,
  InspectParams,
  InspectRunParams,
  PreviewParams,
  SamplerStageReport,
  SamplingPreview,
  StageFindings,
} from './sampling-reports.ts';

/** How the continued reply had ended. */
export interface Continues {
  /** Null if unknown, as after a crash. */
  reason: StopReason | null;
  /** The string that matched (stop_string). */
  stopString?: string;
}

/** The position of an error in a grammar, a schema or a template. Lines and columns count from 1. */
export interface SourceProblem {
  message: string;
  line: number;
  column: number;
}

export interface GenerateParams {
  prompt: PromptInput;
  sampling: SamplingParams;
  stop: StopParams;
  /** Off: every step recomputes the whole sequence, to show what the cache saves. Default true. */
  useKvCache: boolean;
  /** Candidates reported per token, within `TOP_CANDIDATES`. */
  topCandidates: number;
  /**
   * The reply continues the end of the prompt: a chat's last message is the reply so far. What ended it would come first
   * again: that stop string is passed over once, and the first token is not an end-of-text token. Other stop strings
   * and banned texts may begin before the joint. The tokens' texts include the joining text. Omitted: a new reply.
   */
  continues?: Continues;
  /**
   * The first token of the reply: reported like the others, but not drawn. It does not count towards `maxTokens`, and
   * grammar and banned texts apply to what follows it. An end-of-text token ends the reply at once. Omitted: it is drawn.
   */
  firstToken?: number;
  /**
   * Whether to guess next tokens and verify them together, which gives the same reply, sooner if the text repeats itself.
   * Default true; lanes and the reference executor never do, nor does a reply without a KV cache.
   */
  speculate?: boolean;
  /**
   * The chat for which K and V of prompt and reply are stored beyond the process, until it is deleted (`clearPrefixCache`).
   * What is stored already, for any chat, is not computed again, so the same reply comes sooner. Omitted: nothing is stored
   * or read; lanes and hosts without a store never do.
   */
  storePrefixFor?: string;
}

export type ExecutorName = 'reference' | 'wasm' | 'webgpu';

/** Why a reply ended, with the values that explain it; `protocol/engine/stop-sentence.ts` puts them into a sentence. */
export type Stop = StopCause & {
  /** Tokens that `whenFull: 'shift'` dropped from the context window. Absent if there were none. */
  droppedTokens?: number;
};

export type StopReason = StopCause['reason'];

type StopCause =
  /** `token`: the end-of-generation token; null if the grammar allows nothing after the text. */
  | { reason: 'eos'; token: { id: number; piece: string } | null }
  | { reason: 'max_tokens'; maxTokens: number }
  | { reason: 'stop_string'; stopString: string }
  /**
   * The text repeats: `window` is the setting. `loop`: the smallest period, and how many tokens at the end of the reply
   * are part of it, with the first round; absent in replies of earlier versions.
   */
  | { reason: 'repetition'; window: number; loop?: { period: number; tokens: number } }
  /** `tokens`: number of generated tokens; also below. */
  | { reason: 'time_limit'; timeLimitMs: number; tokens: number }
  | { reason: 'context_full'; promptTokens: number; contextSize: number }
  /** `to`: what the person did instead, for example `load SmolLM2`; absent if they only stopped it. */
  | { reason: 'user'; tokens: number; to?: string }
  | { reason: 'error'; tokens: number; error: ErrorPayload };

/** One candidate for the next token. */
export interface Candidate {
  id: number;
  /** Display text: ` world`, `\n`, `##ing`, `<EOS>`; `<0xE2>` for a byte of a character. */
  piece: string;
  /** Natural log of the model's own probability: raw logits, nothing masked, no sampler. */
  logprob: number;
  /** Probability after the sampler chain, 0..1; null when the chain removed or masked the token. */
  sampledProbability: number | null;
  /** The stage that removed or masked the token, named as in `SamplerStageReport`; absent if none did, or if unknown. */
  removedBy?: string;
}

/**
 * The part of a reply that a token belongs to: the answer, the model's reasoning before it, or the marks around that
 * reasoning.
 */
export type ReplyPart = 'answer' | 'reasoning' | 'reasoning_mark';

/** One generated token. The concatenated `text` of all tokens is the reply's text, always. */
export interface GeneratedToken {
  id: number;
  /** As in `Candidate`. */
  piece: string;
  part: ReplyPart;
  /** Text that this token adds to the reply; may be empty (part of a character) or truncated (before a stop string). */
  text: string;
  /** Natural log of the model's own probability (raw). */
  logprob: number;
  /** Rank among all tokens by raw logit, from 1. */
  rank: number;
  /** Probability after the chain, 0..1 (1 for greedy). A given token (`firstToken`) may have 0. */
  sampledProbability: number;
  /** Most probable raw candidates, best first; as many as `topCandidates`. */
  candidates: Candidate[];
  /** Number of tokens that could be drawn after the chain. */
  survivors: number;
  /** Time from the previous token (from the request for the first), ms. */
  latencyMs: number;
}

/** Guesses of the next tokens that were verified by the model. */
export interface Speculation {
  /** Guessed tokens. */
  drafted: number;
  /** Those that the reply took. */
  accepted: number;
}

export interface Timings {
  /** Loading the model, ms (0 when it was loaded already). */
  loadMs: number;
  /** Prefill, ms. */
  prefillMs: number;
  /** From the request to the first token, ms; null when there was none. */
  timeToFirstTokenMs: number | null;
  /** Computed prompt tokens (without reused ones) / prefill time; null when nothing was computed. */
  prefillTokensPerSecond: number | null;
  /** Tokens after the first / their time, without one that waited for another executor; null for fewer than two tokens. */
  decodeTokensPerSecond: number | null;
  /** From the request to the end, ms. */
  totalMs: number;
  /** Absent if nothing was guessed. */
  speculation?: Speculation;
}

/** One message of a chat prompt and its number of tokens, for the context panel. */
export interface PromptSegment {
  role: ChatMessage['role'];
  /** Index into the given messages. */
  message: number;
  tokens: number;
  dropped: boolean;
}

/** Tokens that `whenFull: 'shift'` has dropped from the context window so far. */
export interface DroppedTokens {
  total: number;
  /** Per entry of `GenerateStart.segments`. */
  segments: number[];
  /** Of the reply. After Continue, the earlier text is a segment. */
  reply: number;
}

/** Sent once, before the first token. */
export interface GenerateStart {
  /** The prompt's tokens, with BOS. */
  promptIds: number[];
  /** Tokens of the prompt that were reused from the cache. */
  reusedTokens: number;
  /** Empty unless the prompt is a chat. */
  segments: PromptSegment[];
  /** What people should know about how the prompt was made, for example a role that the template does not support. */
  notices: string[];
  seed: number;
  executor: ExecutorName;
  contextSize: number;
  /** Of the model that generates the reply. */
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
  /** Absent when nothing was dropped. */
  dropped?: DroppedTokens;
}

export type GenerateEvent =
  | ({ type: 'start' } & GenerateStart)
  | ({ type: 'moved' } & MovedReply)
  /** The prompt is being processed: `done` of `total` tokens, with reused ones. Not for a prompt of one slice. */
  | { type: 'prefill'; done: number; total: number }
  /** `dropped`: with the first token after a shift only. The window holds prompt and reply so far without these. */
  | { type: 'token'; token: GeneratedToken; dropped?: DroppedTokens }
  | ({ type: 'end' } & GenerateEnd);

export interface ModelInfo {
  id: string;
  name: string;
  architecture: string;
  parameters: number;
  /** Size of the model's files. */
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
  /** Whether the model supports chat roles. Without them a message is the start of a text, which the reply continues. */
  hasChatRoles: boolean;
  /** Jinja source of the file's own chat template; null when it has none. */
  chatTemplate: string | null;
  /** Marks around the model's reasoning, for example `<think>` and `</think>`; null when it has none. */
  reasoningMarks: { open: string; close: string } | null;
  /**
   * The settings that the file recommends (`general.sampling.*`, generation_config.json), used unless a person set the
   * value.
   */
  samplingDefaults: Partial<SamplingParams>;
  /** Default of `StopParams.repetitionWindow`. */
  defaultRepetitionWindow: number;
  executor: ExecutorName;
  /** Null for executors without kernels to choose from: all but `wasm`. */
  kernels: KernelsInfo | null;
  /** Of the `webgpu` executor only. */
  adapter?: GpuAdapterFacts;
  /** Why the executor was chosen. Absent if it was requested. */
  choice?: ExecutorChoice;
  loadMs: number;
  /** Allocated bytes for weights, for K and V, and for computing: activations, tokenizer, threads. */
  memoryBytes: { weights: number; kvCache: number; scratch: number };
  /** What had to be guessed or ignored in the files, in sentences for people. */
  notices: string[];
}

export interface LoadProgress {
  phase: 'header' | 'weights' | 'tokenizer' | 'shaders' | 'ready';
  bytesRead: number;
  totalBytes: number;
}

/** What `renderChat` takes: a chat prompt without a request to answer it. */
export type RenderChatParams = Omit<Extract<PromptInput, { kind: 'chat' }>, 'kind'> & {
  /** Token limit of the reply, for which dropping old turns makes room as for a reply. Default: the context window. */
  maxTokens?: number;
  /** Tokens of a reply after the prompt: `dropped` says what `whenFull: 'shift'` has dropped by then. Default none. */
  replyTokens?: number;
};

/** A chat as the model sees it. */
export interface RenderedChat {
  text: string;
  ids: number[];
  tokens: TokenPiece[];
  segments: PromptSegment[];
  notices: string[];
  /** Absent when nothing was dropped. */
  dropped?: DroppedTokens;
}

export interface ScoreParams {
  prompt: PromptInput;
  /** Most probable tokens reported per position. Default 10. */
  top: number;
  /** Score only the last n tokens; those before them are prefilled, or reused from the cache. Default: all. */
  last?: number;
}

/**
 * The model's probabilities of a text. Natural logarithms, nothing masked, no sampler. The first token has no
 * probability, so `scored` is at most `ids.length - 1`.
 */
export interface Score {
  ids: number[];
  /** `[scored]`: logprob of each scored token, the last ones of `ids`, after those before it. */
  logprobs: number[];
  /** `[scored]`: its rank, from 1. */
  ranks: number[];
  /** `[scored + 1]`: entropy in nats of the distribution that each scored token is from, and of the one after the last. */
  entropies: number[];
  /** `[scored + 1][top]`: the most probable `[id, logprob]` of the same distributions. */
  top: [number, number][][];
  /** exp(-mean logprob) of the scored tokens; null if there is none. */
  perplexity: number | null;
}

/** A tensor tapped in a run. Row-major. */
export interface TappedTensor {
  name: string;
  /** For example `[tokens, hidden]` or `[heads, tokens, tokens]`. */
  shape: number[];
  values: number[];
}

/** The ten steps from text to token for one prompt, with the model's actual numbers. */
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
  /** Of the logit of `sampling.chosen`, if requested. */
  attribution?: AttributionPart[];
  /** At the last position, if requested. */
  lens?: LensLayer[];
}
