import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  ExecutorName,
  FileHash,
  GenerateEvent,
  GenerateParams,
  GeneratedToken,
  ModelInfo,
  Stop,
  Timings,
} from '../../../../src-main/engine/api/types.ts';
import type {
  EngineApi,
  EngineMethods,
  EngineStreams,
  MethodName,
  StreamName,
} from '../../../../src-main/protocol/engine/api.ts';
import { defaultSettings } from '../../../../src-main/protocol/app/settings-schemas.ts';
import type { SystemMemory } from '../../../../src-main/protocol/app/about.ts';
import type { AppEvent, AppMethodName, AppMethods } from '../../../../src-main/protocol/app/app-services.ts';
import type { ReplyFacts } from '../../../../src-main/protocol/app/chats/chat.ts';
import { backendLost, cancelled } from '../../../../src-main/protocol/errors.ts';
import type { ModelOpener } from '../../../lib/model-opener.ts';
import type { Connection, ConnectionState } from '../../../lib/connection.svelte.ts';
import type { PageServices } from '../../../lib/services.ts';

export const MODEL: ModelInfo = {
  id: 'tiny-transformer',
  name: 'TinyTransformer',
  architecture: 'tiny_transformer',
  parameters: 2_448_960,
  fileBytes: 9_800_000,
  layers: 2,
  hiddenSize: 128,
  heads: 4,
  kvHeads: 4,
  headDim: 32,
  feedForwardSize: 256,
  vocabularySize: 8000,
  contextSize: 1000,
  bosTokenId: 0,
  eosTokenIds: [1],
  maskedTokenIds: [0, 2],
  hasChatRoles: false,
  defaultRepetitionWindow: 10,
  chatTemplate: null,
  reasoningMarks: null,
  samplingDefaults: {},
  executor: 'reference',
  kernels: null,
  loadMs: 12,
  memoryBytes: { weights: 1, kvCache: 1, scratch: 1 },
  notices: [],
};

export const REPLY_FACTS: ReplyFacts = {
  stop: null,
  timings: null,
  seed: 7,
  sampling: defaultSamplingParams(),
  modelId: MODEL.id,
  model: MODEL.name,
  vocabularySize: MODEL.vocabularySize,
  executor: 'reference',
  notices: [],
  promptTokens: 0,
  systemTokens: 0,
  droppedMessages: 0,
  contextUsed: 0,
  runStart: 0,
};

export const TIMINGS: Timings = {
  loadMs: 0,
  prefillMs: 4,
  timeToFirstTokenMs: 5,
  prefillTokensPerSecond: 500,
  decodeTokensPerSecond: 400,
  totalMs: 20,
};

export function token(index: number, change: Partial<GeneratedToken> = {}): GeneratedToken {
  return {
    id: index + 3,
    piece: `t${index}`,
    text: index === 0 ? 't0' : ` t${index}`,
    logprob: Math.log(0.5),
    rank: 1,
    sampledProbability: 0.6,
    candidates: [],
    survivors: 4,
    part: 'answer',
    latencyMs: index === 0 ? 20 : 2,
    ...change,
  };
}

/** Answers each `generate` with what the test put into `script`; waits at `'pause'` until `resume` or an abort. */
export type Script = (GenerateEvent | 'pause' | Error)[];

export function start(promptTokens = 4): GenerateEvent {
  const promptIds = Array.from({ length: promptTokens }, (_, id) => id);
  return {
    type: 'start',
    promptIds,
    reusedTokens: 0,
    segments: [],
    notices: [],
    seed: 7,
    executor: 'reference',
    contextSize: 1000,
    vocabularySize: 8000,
  };
}

export function tokens(count: number): GenerateEvent[] {
  return Array.from({ length: count }, (_, index) => ({ type: 'token', token: token(index) }));
}

export function end(count: number, stop: Stop = { reason: 'eos', token: null }): GenerateEvent {
  const text = Array.from({ length: count }, (_, index) => token(index).text).join('');
  return { type: 'end', ids: [], text, stop, timings: TIMINGS, seed: 7, contextUsed: 4 + count };
}

export class FakeEngine implements EngineApi {
  readonly requests: GenerateParams[] = [];
  scripts: Script[] = [];
  /** What the engine has in memory. */
  model: ModelInfo | null = null;
  /** Each `load`, oldest first. */
  readonly loads: EngineStreams['load']['params'][] = [];
  /** How the next loads go: a model that is loaded, `'pause'` to wait for `resume` or an abort, or a failure. */
  loadScripts: (ModelInfo | 'pause' | Error)[][] = [];
  /** Answers `hashModel`; null: it fails. */
  files: FileHash[] | null = null;
  /** Answers `describe`. */
  describe: (modelId: string) => EngineMethods['describe']['result'] = (modelId) => {
    throw new EngineError('MODEL_NOT_FOUND', `There is no ${modelId}.`);
  };
  /** Answers calls that are not scripted otherwise. */
  answers: { [M in MethodName]?: (params: EngineMethods[M]['params']) => EngineMethods[M]['result'] } = {};
  #resume: () => void = () => undefined;

  resume(): void {
    this.#resume();
  }

  async call<M extends MethodName>(method: M, params: EngineMethods[M]['params']): Promise<EngineMethods[M]['result']> {
    const result = (value: unknown) => value as EngineMethods[M]['result'];
    const answer = this.answers[method];
    if (answer !== undefined) return answer(params);
    if (method === 'status') return result({ model: this.model, busy: false, computedTokens: 0 });
    if (method === 'describe') return result(this.describe((params as { modelId: string }).modelId));
    if (method === 'hashModel' && this.files !== null) return result({ files: this.files });
    if (method === 'unload') {
      this.model = null;
      return result(null);
    }
    if (method !== 'detokenize') throw new EngineError('BAD_REQUEST', `${method} is not scripted.`);
    const { ids } = params as EngineMethods['detokenize']['params'];
    return result({ text: ids.map((id) => `t${id - 3}`).join(' '), pieces: [] });
  }

  stream<S extends StreamName>(
    method: S,
    params: EngineStreams[S]['params'],
    options: { signal?: AbortSignal } = {},
  ): AsyncIterable<EngineStreams[S]['event']> {
    const events =
      method === 'load'
        ? this.#load(params as EngineStreams['load']['params'], options.signal)
        : this.#generate(params as GenerateParams, options.signal);
    return events as AsyncIterable<EngineStreams[S]['event']>;
  }

  async *#load(
    params: EngineStreams['load']['params'],
    signal?: AbortSignal,
  ): AsyncGenerator<EngineStreams['load']['event']> {
    this.loads.push(params);
    yield { type: 'progress', progress: { phase: 'weights', bytesRead: 1, totalBytes: 2 } };
    for (const step of this.loadScripts.shift() ?? [MODEL]) {
      if (step instanceof Error) throw step;
      if (step === 'pause') {
        await this.#paused(signal);
        if (signal?.aborted) throw cancelled();
        continue;
      }
      this.model = step;
      yield { type: 'loaded', model: step };
    }
  }

  #paused(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
      signal?.addEventListener('abort', () => resolve());
    });
  }

  async *#generate(params: GenerateParams, signal?: AbortSignal): AsyncGenerator<GenerateEvent> {
    this.requests.push(params);
    let sent = 0;
    for (const step of this.scripts.shift() ?? [start(), ...tokens(3), end(3)]) {
      if (step instanceof Error) throw step;
      if (step !== 'pause') {
        if (step.type === 'token') sent++;
        yield step;
        continue;
      }
      await this.#paused(signal);
      if (!signal?.aborted) continue;
      if (sent === 0) throw cancelled();
      yield end(sent, { reason: 'user', tokens: sent });
      return;
    }
  }
}

/** Settings in memory; no chats. */
export class FakeServices implements PageServices {
  settings = defaultSettings();
  memory: SystemMemory = { freeBytes: 1e9, totalBytes: 2e9 };
  readonly calls: string[] = [];
  /** Makes every call fail. */
  failure: EngineError | null = null;
  readonly #listeners = new Set<(event: AppEvent) => void>();

  async invoke<M extends AppMethodName>(
    method: M,
    ...params: AppMethods[M]['params']
  ): Promise<AppMethods[M]['result']> {
    this.calls.push(method);
    await Promise.resolve();
    if (this.failure) throw this.failure;
    return this.#answer(method, params) as AppMethods[M]['result'];
  }

  readonly invokeLast: PageServices['invokeLast'] = (method, ...params) => this.invoke(method, ...params);

  onEvent(listener: (event: AppEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(event: AppEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #answer(method: AppMethodName, params: unknown[]): unknown {
    switch (method) {
      case 'systemMemory':
        return this.memory;
      case 'settingsGet':
        return this.settings;
      case 'settingsSet':
        return (this.settings = { ...this.settings, ...(params[0] as object) });
      case 'chatsList':
        return [];
      default:
        return null;
    }
  }
}

export class FakeConnection implements Connection {
  engine: ConnectionState = 'starting';
  responds = true;
  message: string | null = null;
  executors: readonly ExecutorName[] = ['wasm', 'reference'];
  ownsEngine = false;
  restarts = 0;
  #current: EngineApi | null = null;
  readonly #listeners = new Set<(engine: EngineApi | null) => void>();

  readonly models: ModelOpener = {
    remembers: true,
    offersMore: true,
    list: () => Promise.resolve([]),
    choose: () => Promise.resolve(null),
    drop: () => Promise.reject(new EngineError('BAD_REQUEST', 'Nothing was dropped.')),
    remove: () => Promise.resolve(() => Promise.resolve()),
  };

  constructor(readonly services: PageServices) {}

  readonly saved: { name: string; text: string }[] = [];

  saveText(name: string, text: string): Promise<boolean> {
    this.saved.push({ name, text });
    return Promise.resolve(true);
  }

  client(): EngineApi {
    if (this.#current === null) throw backendLost();
    return this.#current;
  }

  restart(): void {
    this.restarts++;
  }

  onEngine(listener: (engine: EngineApi | null) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#current);
    return () => this.#listeners.delete(listener);
  }

  change(engine: EngineApi | null, state: ConnectionState, message: string | null = null): void {
    this.#current = engine;
    this.engine = state;
    this.message = message;
    for (const listener of this.#listeners) listener(engine);
  }
}

/** A browser's storage that lasts as long as the test. */
export function memoryStorage(): Pick<Storage, 'getItem' | 'setItem'> {
  const items = new Map<string, string>();
  return { getItem: (key) => items.get(key) ?? null, setItem: (key, value) => void items.set(key, value) };
}
