/**
 * The engine's interface, as both the real engine (`server.ts`) and its client (`client.ts`) implement it. A caller
 * never knows on which side of a process border the engine lives.
 */
import type { LoadOptions } from '../../engine/index.ts';
import type { ModelDescription } from '../../engine/api/model-description.ts';
import type {
  Detokenized,
  GenerateEvent,
  GenerateParams,
  GrammarSource,
  InspectParams,
  Inspection,
  LanesEvent,
  LoadProgress,
  ModelInfo,
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
} from '../../engine/api/types.ts';

export interface EngineStatus {
  model: ModelInfo | null;
  /** Replies running or queued. */
  busy: boolean;
}

/** Calls with one answer. */
export interface EngineMethods {
  status: { params: Record<string, never>; result: EngineStatus };
  /** What a model is and what it needs, from its headers; nothing is loaded. Answered while a reply is running too. */
  describe: { params: { modelId: string }; result: ModelDescription };
  unload: { params: Record<string, never>; result: null };
  tokenize: { params: TokenizeParams; result: Tokenized };
  detokenize: { params: { ids: number[]; skipSpecial: boolean }; result: Detokenized };
  /** The text and ids that a chat becomes. May be longer than the context window. */
  renderChat: { params: RenderChatParams; result: RenderedChat };
  score: { params: ScoreParams; result: Score };
  inspect: { params: InspectParams; result: Inspection };
  /** The sampler chain at the next token; cheap enough to ask while a slider moves. */
  preview: { params: InspectParams; result: SamplingPreview };
  /** Where the time of the loaded model goes, operation by operation; on the wasm executor. */
  profile: { params: ProfileParams; result: Profile };
  /** Whether a grammar can be followed; needs no model, and is answered while a reply is running too. */
  checkGrammar: { params: { grammar: GrammarSource }; result: { problem: SourceProblem | null } };
  /**
   * Stops one lane of a `compare` that is running or waiting for its turn; the lane ends with stop reason `user`.
   * Answered while the compare is running.
   */
  stopLane: { params: { key: string; lane: number }; result: { stopped: boolean } };
}

/** Calls that answer with a stream of events; exactly one `end` or `error` closes it. */
export interface EngineStreams {
  load: {
    /**
     * `contextSize`: tokens of prompt and reply together; left out, what the model was trained for, at most 4096. A model
     * that is there already is loaded again for another size only. `threads`: of the wasm executor; left out, as many as
     * measurably help. `kvCacheType`: how it stores K and V; left out, as exactly as the weights are.
     */
    params: { modelId: string } & Pick<LoadOptions, 'contextSize' | 'executor' | 'threads' | 'kvCacheType'>;
    event: { type: 'progress'; progress: LoadProgress } | { type: 'loaded'; model: ModelInfo };
  };
  generate: { params: GenerateParams; event: GenerateEvent };
  /**
   * Generates 1 to 8 replies as one batch; what their prompts have in common is computed once. `key` is chosen by the
   * client and names the compare in `stopLane`; no other compare that is running or waiting may have it.
   */
  compare: { params: { key: string; lanes: GenerateParams[] }; event: LanesEvent };
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
   * Aborting `signal` asks the engine to stop; `generate` and each lane of `compare` then still end with their `end`
   * events (stop reason `user`), so that nothing generated is lost. A request that is aborted while it waits for its turn fails with CANCELLED.
   * Leaving the loop early cancels too.
   * @throws EngineError while iterating, with the engine's code; BACKEND_LOST when the other side died.
   */
  stream<S extends StreamName>(
    method: S,
    params: EngineStreams[S]['params'],
    options?: { signal?: AbortSignal },
  ): AsyncIterable<EngineStreams[S]['event']>;
}
