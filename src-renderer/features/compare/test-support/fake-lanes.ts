import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  FileHash,
  GenerateEvent,
  GenerateParams,
  LanesEvent,
  ModelInfo,
  Stop,
} from '../../../../src-main/engine/api/types.ts';
import type {
  EngineApi,
  EngineMethods,
  EngineStreams,
  MethodName,
  StreamName,
} from '../../../../src-main/protocol/engine/api.ts';
import { cancelled } from '../../../../src-main/protocol/errors.ts';
import { end, MODEL, start, token } from '../../chat/test-support/fakes.ts';
import type { LaneModel } from '../state/lane-models.ts';

/** Ids of a lane's tokens, oldest first; `'pause'` waits for `resume`, `stopLane` or an abort. */
export type LaneScript = readonly (number | 'pause')[];

/** An engine that answers `compare` lane by lane, from scripts. */
class FakeLanes implements EngineApi {
  readonly requests: { key: string; lanes: GenerateParams[] }[] = [];
  readonly stopped: { key: string; lane: number }[] = [];
  /** Of each lane, by the seed that was asked for. */
  scripts = new Map<number | null, LaneScript>();
  /** Of the model; null: they cannot be hashed. */
  files: FileHash[] | null = null;
  /** Makes the next `compare` fail before its first event. */
  failure: EngineError | null = null;
  /** Answers calls that are not scripted otherwise. */
  answers: { [M in MethodName]?: (params: EngineMethods[M]['params']) => EngineMethods[M]['result'] } = {};
  /** Called when the executor is lost in the next `compare`, which then continues on the model's new one. */
  moves: (() => ModelInfo) | null = null;
  #wake: () => void = () => undefined;
  #resumed = false;

  resume(): void {
    this.#resumed = true;
    this.#wake();
  }

  async call<M extends MethodName>(method: M, params: EngineMethods[M]['params']): Promise<EngineMethods[M]['result']> {
    await Promise.resolve();
    if (method === 'hashModel' && this.files !== null) return { files: this.files } as EngineMethods[M]['result'];
    const answer = this.answers[method];
    if (answer !== undefined) return answer(params);
    if (method !== 'stopLane') throw new EngineError('BAD_REQUEST', `${method} is not scripted.`);
    this.stopped.push(params as EngineMethods['stopLane']['params']);
    this.#wake();
    return { stopped: true } as EngineMethods[M]['result'];
  }

  stream<S extends StreamName>(
    method: S,
    params: EngineStreams[S]['params'],
    options: { signal?: AbortSignal } = {},
  ): AsyncIterable<EngineStreams[S]['event']> {
    if (method !== 'compare') throw new EngineError('BAD_REQUEST', `${method} is not scripted.`);
    const events = this.#compare(params as EngineStreams['compare']['params'], options.signal);
    return events as AsyncIterable<EngineStreams[S]['event']>;
  }

  async *#compare(
    { key, lanes }: EngineStreams['compare']['params'],
    signal?: AbortSignal,
  ): AsyncGenerator<LanesEvent> {
    this.requests.push({ key, lanes });
    const { failure, moves } = this;
    this.failure = null;
    this.moves = null;
    if (failure !== null) throw failure;
    yield { type: 'prefill', sharedTokens: 3, reusedTokens: 0, computedTokens: 4, kvCacheBytes: 0 };
    for (const [lane, { sampling, firstToken }] of lanes.entries()) {
      yield event(lane, start());
      if (moves !== null) yield event(lane, { type: 'moved', model: moves(), notice: 'The GPU was lost.' });
      let sent = 0;
      if (firstToken !== undefined) yield event(lane, { type: 'token', token: token(sent++, { id: firstToken }) });
      let stop: Stop = { reason: 'eos', token: null };
      for (const step of this.scripts.get(sampling.seed) ?? [10, 11]) {
        const isStopped = () =>
          signal?.aborted === true || this.stopped.some((one) => one.key === key && one.lane === lane);
        if (step === 'pause' && !isStopped()) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
            if (this.#resumed) resolve();
            signal?.addEventListener('abort', () => resolve());
          });
        }
        if (isStopped()) {
          stop = { reason: 'user', tokens: sent };
          break;
        }
        if (step !== 'pause') yield event(lane, { type: 'token', token: token(sent++, { id: step }) });
      }
      yield event(lane, end(sent, stop));
    }
  }
}

function event(lane: number, one: GenerateEvent): LanesEvent {
  return { type: 'lane', lane, event: one };
}

type RunsOn = Pick<ModelInfo, 'executor' | 'choice'>;
const AUTOMATIC: RunsOn = { executor: 'wasm', choice: { executor: 'wasm', reason: 'Measured.' } };

/** The state of an engine that loads whatever it is told to. */
export class FakeLaneEngine {
  model: ModelInfo | null = { ...MODEL, executor: 'wasm' };
  requested: LaneModel['executor'] = null;
  readonly status = 'ready';
  readonly loads: LaneModel[] = [];
  /** Makes loading this model fail. */
  broken: string | null = null;
  /** Unloads the model before it loads another one, as if both did not fit in memory. */
  evicts = false;
  /** Called while a model is loading. */
  whileLoading: () => void = () => undefined;
  readonly api = new FakeLanes();

  ready(): Promise<EngineApi> {
    return Promise.resolve(this.api);
  }

  readonly load = async (model: LaneModel, signal?: AbortSignal): Promise<void> => {
    await Promise.resolve();
    this.loads.push(model);
    if (this.evicts) this.model = null;
    this.whileLoading();
    if (signal?.aborted === true) throw cancelled();
    if (model.modelId === this.broken) throw new EngineError('OUT_OF_MEMORY', 'It does not fit.');
    const { modelId, executor } = model;
    this.requested = executor;
    const runsOn: RunsOn = executor === 'auto' ? AUTOMATIC : { executor: executor ?? 'wasm' };
    this.model = { ...MODEL, id: modelId, name: modelId, ...runsOn };
  };
}

export const frame = (callback: () => void): void => void setTimeout(callback);
