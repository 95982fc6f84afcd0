/** A scripted engine: as many tokens as the prompt's text says, one per macrotask, until cancelled. */
import { EngineError } from '../../../engine/api/errors.ts';
import type { LoadOptions } from '../../../engine/index.ts';
import type { CancelToken, ModelFiles } from '../../../engine/api/platform.ts';
import type {
  Detokenized,
  GenerateEvent,
  GenerateParams,
  GeneratedToken,
  GrammarSource,
  InsideAnswer,
  InsideParams,
  LanesEvent,
  ModelDescription,
  ModelInfo,
  RenderChatParams,
  RenderedChat,
  Profile,
  SamplingPreview,
  SourceProblem,
  Stop,
} from '../../../engine/api/types.ts';
import { RequestQueue } from '../../../engine/generation/request-queue.ts';
import type { ServedEngine } from '../engine-service.ts';

const FAKE_MODEL: ModelInfo = {
  id: 'fake',
  name: 'Fake',
  architecture: 'fake',
  parameters: 0,
  fileBytes: 0,
  layers: 0,
  hiddenSize: 0,
  heads: 0,
  kvHeads: 0,
  headDim: 0,
  feedForwardSize: 0,
  vocabularySize: 10,
  contextSize: 1000,
  bosTokenId: null,
  eosTokenIds: [],
  maskedTokenIds: [],
  hasChatRoles: false,
  defaultRepetitionWindow: 0,
  chatTemplate: null,
  reasoningMarks: null,
  samplingDefaults: {},
  executor: 'reference',
  kernels: null,
  loadMs: 0,
  memoryBytes: { weights: 0, kvCache: 0, scratch: 0 },
  notices: [],
};

const FAKE_DESCRIPTION: ModelDescription = {
  id: 'fake',
  name: 'Fake',
  architecture: 'fake',
  parameters: 0,
  fileBytes: 0,
  layers: 0,
  hiddenSize: 0,
  heads: 0,
  kvHeads: 0,
  headDim: 0,
  feedForwardSize: 0,
  vocabularySize: 10,
  contextSize: 1000,
  bosTokenId: null,
  eosTokenIds: [],
  defaultRepetitionWindow: 0,
  reasoningMarks: null,
  samplingDefaults: {},
  format: 'GGUF',
  tensorTypes: [],
  tokenizer: null,
  chatTemplate: null,
  memory: [{ contextSize: 1000, weights: 0, kvCache: 0, scratch: 0, total: 0 }],
  problem: null,
  notices: [],
};

const TIMINGS = {
  loadMs: 0,
  prefillMs: 0,
  timeToFirstTokenMs: null,
  prefillTokensPerSecond: null,
  decodeTokensPerSecond: null,
  totalMs: 0,
};

export function fakeToken(index: number): GeneratedToken {
  return {
    id: index % 10,
    piece: `t${index}`,
    text: `t${index} `,
    logprob: -1,
    rank: 1,
    sampledProbability: 1,
    candidates: [],
    survivors: 1,
    part: 'answer',
    latencyMs: 0,
  };
}

/** `prompt.text` is a number of tokens, or `fail` to fail after two tokens. */
export class FakeEngine implements ServedEngine {
  model: ModelInfo | null = FAKE_MODEL;
  files = { names: ['fake.gguf'], stamp: undefined };
  /** Number of replies that ended, in any way. */
  finished = 0;
  /** Number of reply events so far. */
  produced = 0;
  /** What `releaseInside` was called for. */
  readonly released: ('all' | 'beside')[] = [];
  readonly computedTokens = 0;
  readonly #queue = new RequestQueue();

  get busy(): boolean {
    return this.#queue.busy;
  }

  async load(files: ModelFiles | (() => Promise<ModelFiles>), { unless }: LoadOptions = {}): Promise<ModelInfo> {
    if (this.model !== null && (await unless?.(this.model, undefined))) return this.model;
    if (typeof files === 'function') await files();
    this.model = FAKE_MODEL;
    return FAKE_MODEL;
  }

  describe(): Promise<ModelDescription> {
    return Promise.resolve(FAKE_DESCRIPTION);
  }

  unload(): Promise<void> {
    this.model = null;
    return Promise.resolve();
  }

  tokenize({ text }: { text: string }) {
    if (this.model === null) throw new EngineError('NO_MODEL', 'No model is loaded.', { hint: 'load one' });
    const ids = [...text].map((_, i) => i);
    return { ids, ranges: new Int32Array(2 * ids.length), vocabulary: new Map() };
  }

  detokenize(ids: readonly number[]): Detokenized {
    return { text: ids.join(' '), pieces: ids.map(String) };
  }

  renderChat({ messages }: RenderChatParams): RenderedChat {
    const text = messages.map((message) => `${message.role}: ${message.text}`).join('\n');
    const segments = messages.map(({ role }, message) => ({ role, message, tokens: 1, dropped: false }));
    return { text, ids: messages.map((_, i) => i), tokens: [], segments, notices: [] };
  }

  /** Any grammar except an empty one is valid. */
  checkGrammar({ source }: GrammarSource): SourceProblem | null {
    return source === '' ? { message: 'There is no rule.', line: 1, column: 1 } : null;
  }

  async *generate(params: GenerateParams, cancel?: CancelToken): AsyncGenerator<GenerateEvent> {
    const leave = await this.#queue.enter(cancel);
    try {
      for await (const event of this.#reply(params, cancel)) {
        this.produced++;
        yield event;
      }
    } finally {
      leave();
    }
  }

  /** One lane after the other. */
  async *generateLanes(
    requests: readonly { params: GenerateParams; cancel?: CancelToken }[],
    cancel?: CancelToken,
  ): AsyncGenerator<LanesEvent> {
    const leave = await this.#queue.enter(cancel);
    try {
      yield { type: 'prefill', sharedTokens: 0, reusedTokens: 0, computedTokens: 0, kvCacheBytes: 0 };
      for (const [lane, request] of requests.entries()) {
        const either = {
          get cancelled() {
            return request.cancel?.cancelled === true || cancel?.cancelled === true;
          },
        };
        for await (const event of this.#reply(request.params, either)) yield { type: 'lane', lane, event };
      }
    } finally {
      leave();
    }
  }

  async *#reply(params: GenerateParams, cancel?: CancelToken): AsyncGenerator<GenerateEvent> {
    const text = params.prompt.kind === 'text' ? params.prompt.text : '';
    const total = text === 'fail' ? 2 : Number(text);
    const shared = {
      seed: 0,
      executor: 'reference',
      vocabularySize: FAKE_MODEL.vocabularySize,
      contextSize: 1000,
    } as const;
    yield { type: 'start', promptIds: [], reusedTokens: 0, segments: [], notices: [], ...shared };
    const ids: number[] = [];
    for (let i = 0; i < total && cancel?.cancelled !== true; i++) {
      await new Promise((resolve) => setTimeout(resolve));
      yield { type: 'token', token: fakeToken(i) };
      ids.push(fakeToken(i).id);
    }
    this.finished++;
    if (text === 'fail') throw new Error('a bug');
    const stop: Stop =
      cancel?.cancelled === true
        ? { reason: 'user', tokens: ids.length }
        : { reason: 'max_tokens', maxTokens: ids.length };
    const reply = ids.map((_, i) => fakeToken(i).text).join('');
    yield { type: 'end', ids, text: reply, stop, timings: TIMINGS, seed: 0, contextUsed: 0 };
  }

  score(): Promise<never> {
    return Promise.reject(new EngineError('CONTEXT_FULL', 'Too long.', { tokens: 2, contextSize: 1 }));
  }

  preview(): Promise<SamplingPreview> {
    return Promise.resolve({ promptTokens: 1, token: null, candidates: [], survivors: 1, stages: [], draw: null });
  }

  profile(): Promise<Profile> {
    const run = { tokens: 1, threads: 1, ms: 1, ops: [] };
    return Promise.resolve({ prefill: run, decode: run });
  }

  /** Answers every query with its kind and one array. */
  inside({ query, ids }: InsideParams): Promise<InsideAnswer> {
    if (query.kind !== 'logits') return Promise.resolve({ kind: 'lens', norm: false, layers: [] });
    return Promise.resolve({ kind: 'logits', logits: Float32Array.from(ids), top: [] });
  }

  async prefixCacheSize(): Promise<null> {
    return null;
  }

  async clearPrefixCache(): Promise<void> {}

  releaseInside(only?: 'beside'): Promise<number> {
    this.released.push(only ?? 'all');
    return Promise.resolve(7);
  }

  /** Waits until it is cancelled. */
  inspect(_params: unknown, cancel?: CancelToken): Promise<never> {
    return this.#queue.run(async () => {
      while (cancel?.cancelled !== true) await new Promise((resolve) => setTimeout(resolve));
      this.finished++;
      throw new EngineError('CANCELLED', 'Cancelled.');
    }, cancel);
  }
}
