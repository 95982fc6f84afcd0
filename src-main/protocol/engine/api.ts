/**
 * The engine's interface, implemented by the engine (`server.ts`) and its client (`client.ts`). Callers do not know in
 * which process the engine runs. Below it, the messages between the two.
 */
import type { LoadOptions } from '../../engine/index.ts';
import type { PrefixStoreSize } from '../../engine/api/platform.ts';
import type {
  Detokenized,
  FileHash,
  GenerateEvent,
  GenerateParams,
  GrammarSource,
  InsideEvent,
  InsideParams,
  InspectRunParams,
  Inspection,
  LanesEvent,
  LoadProgress,
  ModelDescription,
  ModelInfo,
  PreviewParams,
  RenderChatParams,
  RenderedChat,
  SamplingPreview,
  Score,
  Profile,
  ProfileParams,
  ScoreParams,
  SourceProblem,
  TokenizeParams,
  Tokenized,
  ErrorPayload,
} from '../../engine/api/types.ts';

export interface EngineStatus {
  model: ModelInfo | null;
  /** Replies running or queued. */
  busy: boolean;
  /** Tokens that the loaded model has computed. Reused tokens do not count; a token that lanes share counts once. */
  computedTokens: number;
}

/** Calls with one result. */
export interface EngineMethods {
  status: { params: Record<string, never>; result: EngineStatus };
  /** Describes a model and its memory needs from its headers, without loading it. Also answered during a reply. */
  describe: { params: { modelId: string }; result: ModelDescription };
  /**
   * Hashes the loaded model's files; they are sorted by name. The files are read once while they are unchanged, also during
   * a reply. MODEL_IO if they changed after they were loaded.
   */
  hashModel: { params: Record<string, never>; result: { files: FileHash[] } };
  unload: { params: Record<string, never>; result: null };
  tokenize: { params: TokenizeParams; result: Tokenized };
  detokenize: { params: { ids: number[]; skipSpecial: boolean }; result: Detokenized };
  /** The text and ids of a chat prompt. May be longer than the context window. */
  renderChat: { params: RenderChatParams; result: RenderedChat };
  score: { params: ScoreParams; result: Score };
  inspect: { params: InspectRunParams; result: Inspection };
  /**
   * Frees what `inside` remembers, and the model beside the loaded one, or `only` that model, unless another client still
   * looks at it. `bytes` is how much was remembered.
   */
  releaseInside: { params: { only?: 'beside' }; result: { bytes: number } };
  /** Size of K and V stored beyond the process; null if the host stores nothing. Also answered during a reply. */
  prefixCacheSize: { params: Record<string, never>; result: { size: PrefixStoreSize | null } };
  /** Deletes them, or what only one chat has of them. Also answered during a reply. */
  clearPrefixCache: { params: { chat?: string }; result: null };
  /** The sampler chain at the next token, or at one of a reply; cheap enough to be called while a slider moves. */
  preview: { params: PreviewParams; result: SamplingPreview };
  /** Profiles the loaded model, operation by operation; wasm executor only. */
  profile: { params: ProfileParams; result: Profile };
  /** Whether a grammar is valid. Needs no model, and is also answered during a reply. */
  checkGrammar: { params: { grammar: GrammarSource }; result: { problem: SourceProblem | null } };
  /**
   * Stops one lane of a `compare` that is running or queued; the lane ends with stop reason `user`. Answered during the
   * compare.
   */
  stopLane: { params: { key: string; lane: number }; result: { stopped: boolean } };
}

/** Calls with a stream of events, which ends with exactly one `end` or `error`. */
export interface EngineStreams {
  load: {
    /**
     * `contextSize`: tokens of prompt and reply together; by default the training context, at most 4096. A loaded model
     * is loaded again only for another size. `threads`: of the wasm executor; by default as many as measurably help.
     * `kvCacheType`: its storage type; by default as exact as the weights. `keepLoaded`, `beside`: see
     * `LoadOptions`.
     */
    params: { modelId: string } & Pick<
      LoadOptions,
      'contextSize' | 'executor' | 'threads' | 'kvCacheType' | 'keepLoaded' | 'beside'
    >;
    event: { type: 'progress'; progress: LoadProgress } | { type: 'loaded'; model: ModelInfo };
  };
  generate: { params: GenerateParams; event: GenerateEvent };
  /**
   * Generates 1 to 8 replies as one batch; the common prefix of their prompts is computed once. The client chooses `key`,
   * which identifies the compare in `stopLane`; it must be unique among those running or queued.
   */
  compare: { params: { key: string; lanes: GenerateParams[] }; event: LanesEvent };
  /**
   * Looks inside a run: answers one query with typed arrays, after its progress if that takes long. `askInside` gives the
   * answer the type of its query. Runs and answers are remembered until `releaseInside`, or until the client disconnects.
   */
  inside: { params: InsideParams; event: InsideEvent };
}

export type MethodName = keyof EngineMethods;
export type StreamName = keyof EngineStreams;

export interface EngineApi {
  call<M extends MethodName>(
    method: M,
    params: EngineMethods[M]['params'],
    options?: { signal?: AbortSignal },
  ): Promise<EngineMethods[M]['result']>;
  /**
   * Aborting `signal` asks the engine to stop; `generate` and each lane of `compare` then still end with their `end` event
   * (stop reason `user`), so that no generated text is lost. A request that is aborted while it waits fails with
   * CANCELLED. Leaving the loop early cancels too.
   * @throws EngineError while iterating, with the engine's code; BACKEND_LOST when the other side died.
   */
  stream<S extends StreamName>(
    method: S,
    params: EngineStreams[S]['params'],
    options?: { signal?: AbortSignal },
  ): AsyncIterable<EngineStreams[S]['event']>;
}

/** Of the messages below. Raised whenever one changes its meaning. Both sides must agree. */
export const PROTOCOL_VERSION = 3;

/**
 * Client to engine; anything else is refused at the edge (see `schemas.ts`). `id` is chosen by the client, counts up and is
 * never reused on one connection.
 */
export type ClientMessage =
  | { type: 'hello'; version: number }
  | { type: 'call'; id: number; method: string; params: unknown }
  | { type: 'open'; id: number; method: string; params: unknown; credit: number }
  /** Allows `credit` more chunks of stream `id`. */
  | { type: 'credit'; id: number; credit: number }
  | { type: 'cancel'; id: number };

/** Engine to client. */
export type EngineMessage =
  | { type: 'hello'; version: number }
  | { type: 'result'; id: number; result: unknown }
  /** Events of stream `id`, oldest first. One chunk consumes one credit. */
  | { type: 'chunk'; id: number; events: unknown[] }
  /** Closes stream `id`. */
  | { type: 'end'; id: number }
  /** Answers a call or closes a stream. */
  | { type: 'error'; id: number; error: ErrorPayload };
