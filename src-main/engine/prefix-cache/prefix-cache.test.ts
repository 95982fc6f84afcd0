import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../api/errors.ts';
import type { ModelFiles, Platform, PrefixStore } from '../api/platform.ts';
import { defaultGenerateParams, InferenceEngine, type LoadOptions } from '../index.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { answers, randomChats } from '../test-support/random-chats.ts';
import { kernelPlatform, reply } from '../test-support/tiny-engine.ts';
import { tinyGgufFiles } from '../test-support/tiny-gguf.ts';

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** Together 200 chats in the full run. */
const CHATS = isFull ? 50 : 2;
const TIMEOUT_MS = 900_000;
const OTHER_MODELS: [name: string, files: () => Promise<ModelFiles>][] = [
  ['a llama', () => tinyGgufFiles('llama')],
  ['a gemma with a sliding window', () => tinyGgufFiles('gemma3')],
];

class MemoryStore implements PrefixStore {
  readonly chats = new Map<string, Set<string>>();
  readonly machine: string = 'a processor';
  reads = 0;
  failure: EngineError | null = null;
  /** Called before a block is written. */
  onSet: () => void = () => undefined;
  /** Keys that are deleted when the next block is written. */
  toEvict: readonly string[] = [];
  beforeUse: () => Promise<void> = async () => undefined;

  constructor(readonly blocks = new Map<string, Uint8Array>()) {}

  async get(key: string): Promise<Uint8Array | undefined> {
    this.reads++;
    if (this.failure !== null) throw this.failure;
    return this.blocks.get(key);
  }
  async has(key: string): Promise<boolean> {
    return this.blocks.has(key);
  }
  async set(key: string, bytes: Uint8Array): Promise<readonly string[]> {
    if (this.failure !== null) throw this.failure;
    this.onSet();
    this.blocks.set(key, bytes);
    return this.toEvict.filter((each) => this.blocks.delete(each));
  }
  capacity(): number {
    return Infinity;
  }
  async delete(key: string): Promise<void> {
    this.blocks.delete(key);
  }
  async use(chat: string, keys: readonly string[]): Promise<void> {
    await this.beforeUse();
    this.chats.set(chat, new Set([...(this.chats.get(chat) ?? []), ...keys]));
  }
  async deleteChat(chat: string): Promise<void> {
    for (const key of this.chats.get(chat) ?? []) this.blocks.delete(key);
    this.chats.delete(chat);
  }
  async size(): Promise<{ bytes: number; limit: number }> {
    return { bytes: [...this.blocks.values()].reduce((sum, { length }) => sum + length, 0), limit: 1e9 };
  }
  async clear(): Promise<void> {
    this.blocks.clear();
  }
  async sha256(bytes: Uint8Array): Promise<Uint8Array> {
    return createHash('sha256').update(bytes).digest();
  }
}

const engines: InferenceEngine[] = [];
const warnings: string[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.unload();
  warnings.length = 0;
});

/** As after a restart: an engine with an empty KV cache. */
async function started(
  store: PrefixStore | undefined,
  files: ModelFiles,
  options: LoadOptions = {},
): Promise<InferenceEngine> {
  const platform: Platform = {
    ...kernelPlatform(),
    log: { debug() {}, warn: (message) => warnings.push(message) },
    prefixStore: store,
  };
  const engine = new InferenceEngine(platform);
  engines.push(engine);
  await engine.load(files, { contextSize: 256, threads: 1, ...options });
  return engine;
}

const IDS = Array.from({ length: 200 }, (_, i) => 3 + ((i * 7) % 30));

function request(ids = IDS, change = {}) {
  const params = defaultGenerateParams({ kind: 'ids', ids });
  return {
    ...params,
    sampling: { ...params.sampling, temperature: 0 },
    stop: { ...params.stop, maxTokens: 8, ignoreEos: true },
    storePrefixFor: 'chat',
    ...change,
  };
}

const tiny = () => tinyGgufFiles('llama');

/** The blocks of one reply, three of the prompt, and its ids. */
let first: { blocks: Map<string, Uint8Array>; ids: number[] };
beforeAll(async () => {
  const store = new MemoryStore();
  const { end } = await reply(await started(store, await tiny()), request());
  await vi.waitFor(() => expect(store.blocks.size).toBe(3));
  first = { blocks: store.blocks, ids: end.ids };
});

/** As after that reply. */
const filled = () => new MemoryStore(new Map(first.blocks));

describe('the stored prefix cache', () => {
  it('spares a new process the prompt', async () => {
    const again = await started(filled(), await tiny());
    const { start, end } = await reply(again, request());
    expect([start.reusedTokens, end.ids]).toEqual([192, first.ids]);
    expect(again.computedTokens).toBeLessThan(40);
  });

  it('works with the reference executor, whose blocks are others', async () => {
    const store = filled();
    const executor = 'reference';
    const { start, end } = await reply(await started(store, await tiny(), { executor }), request());
    await vi.waitFor(() => expect(store.blocks.size).toBe(6));
    const again = await reply(await started(store, await tiny(), { executor }), request());
    expect([start.reusedTokens, again.start.reusedTokens, again.end.ids]).toEqual([0, 192, end.ids]);
  });

  it('also stores a reply whose reader leaves at its end', async () => {
    const store = new MemoryStore();
    const engine = await started(store, await tiny());
    for await (const { type } of engine.generate(request())) if (type === 'end') break;
    await vi.waitFor(() => expect(store.blocks.size).toBe(3));
  });

  it('stores nothing of a model that is unloaded meanwhile', async () => {
    const store = new MemoryStore();
    const engine = await started(store, await tiny());
    const unloaded = new Promise<void>((resolve) => {
      store.beforeUse = async () => {
        await engine.unload();
        resolve();
      };
    });
    await reply(engine, request());
    await unloaded;
    // What follows in the background needs no more than this.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([store.blocks.size, warnings]).toEqual([0, []]);
  });

  it('stores blocks again that the store has lost', async () => {
    const store = new MemoryStore();
    const engine = await started(store, await tiny());
    await reply(engine, request());
    await vi.waitFor(() => expect(store.blocks.size).toBe(3));
    store.blocks.clear();
    // It takes the cells.
    await reply(engine, request([...IDS].reverse(), { storePrefixFor: undefined }));
    await reply(engine, request());
    await vi.waitFor(() => expect([...store.blocks.keys()]).toEqual([...first.blocks.keys()]));
  });

  it('stores blocks again that it evicted for others', async () => {
    const store = new MemoryStore();
    const engine = await started(store, await tiny());
    await reply(engine, request());
    await vi.waitFor(() => expect(store.blocks.size).toBe(3));
    const [, second, third] = store.blocks.keys();
    store.toEvict = [second, third];
    const other = [...IDS].reverse().slice(0, 70);
    await reply(engine, request(other, { storePrefixFor: 'another' }));
    await vi.waitFor(() => expect(store.blocks.size).toBe(2));
    store.toEvict = [];
    // Its cells are still there, so nothing is read that could be missed.
    await reply(engine, request());
    await vi.waitFor(() => expect([...store.blocks.keys()]).toEqual(expect.arrayContaining([second, third])));
  });

  it('gives other prompts what they have in common', async () => {
    const store = filled();
    const other = [...IDS.slice(0, 130), 9, 9, 9];
    const expected = await reply(await started(undefined, await tiny()), request(other));
    const { start, end } = await reply(await started(store, await tiny()), request(other));
    expect([start.reusedTokens, end.ids]).toEqual([128, expected.end.ids]);
  });

  it('is neither read nor written unless the request says so', async () => {
    const store = filled();
    const { reads } = store;
    await reply(await started(store, await tiny()), request(IDS, { storePrefixFor: undefined }));
    await reply(await started(store, await tiny()), request(IDS, { useKvCache: false }));
    expect([store.reads, store.blocks.size]).toEqual([reads, 3]);
  });

  it.each<[string, (bytes: Uint8Array, others: Uint8Array[]) => Uint8Array]>([
    ['truncated', (bytes) => bytes.slice(0, -1)],
    ['empty', () => new Uint8Array(0)],
    ['modified', (bytes) => bytes.map((byte, i) => (i === 5000 ? byte ^ 1 : byte))],
    ['with another checksum', (bytes) => bytes.map((byte, i) => (i === 3 ? byte ^ 1 : byte))],
    ['of another block', (_, others) => others[0]],
  ])('ignores a block that is %s, with a warning', async (_, damage) => {
    const store = filled();
    const [one, second, third] = [...store.blocks];
    store.blocks.set(second[0], damage(second[1], [one[1], third[1]]));
    const { start, end } = await reply(await started(store, await tiny()), request());
    expect([start.reusedTokens, end.ids, warnings]).toEqual([64, first.ids, [expect.stringContaining('ignored')]]);
    // It is written again.
    await vi.waitFor(() => expect(store.blocks.get(second[0])).toEqual(second[1]));
  });

  it('is separate for other models, other files of a model, other types of K and V, and other processors', async () => {
    const store = filled();
    const { reusedTokens } = (await reply(await started(store, await tiny(), { kvCacheType: 'q8' }), request())).start;
    const changed = { ...(await tiny()), stamp: 'changed' };
    const { start } = await reply(await started(store, changed), request());
    const other = await reply(await started(store, await tinyGgufFiles('qwen2')), request());
    const moved = Object.assign(filled(), { machine: 'another processor' });
    const there = await reply(await started(moved, await tiny()), request());
    const reused = [start, other.start, there.start].map(({ reusedTokens: tokens }) => tokens);
    expect([reusedTokens, ...reused]).toEqual([0, 0, 0, 0]);
  });

  it('fails no reply when it cannot be read or written', async () => {
    const store = filled();
    store.failure = new EngineError('STORAGE', 'The disk is full.');
    const { start, end } = await reply(await started(store, await tiny()), request());
    expect([start.reusedTokens, end.ids, end.stop.reason]).toEqual([0, first.ids, 'max_tokens']);
    expect(warnings[0]).toContain('could not be read');
  });

  it('reports its size and can be cleared', async () => {
    const store = filled();
    const engine = await started(store, await tiny());
    await reply(engine, request());
    expect((await engine.prefixCacheSize())?.bytes).toBe((await store.size()).bytes);
    await engine.clearPrefixCache();
    expect(await engine.prefixCacheSize()).toMatchObject({ bytes: 0 });
    await reply(engine, request());
    await vi.waitFor(() => expect(store.blocks.size).toBe(3));
    expect(await (await started(undefined, await tiny())).prefixCacheSize()).toBeNull();
  });

  it('loses the blocks of a deleted chat, and those that are being written', async () => {
    const store = new MemoryStore();
    const engine = await started(store, await tiny());
    await reply(engine, request());
    await vi.waitFor(() => expect(store.blocks.size).toBe(3));
    await engine.clearPrefixCache('another');
    expect(store.blocks.size).toBe(3);
    await engine.clearPrefixCache('chat');
    expect([store.blocks.size, store.chats.size]).toEqual([0, 0]);
    const cleared = new Promise<void>((resolve) => {
      store.onSet = () => {
        store.onSet = () => undefined;
        resolve(engine.clearPrefixCache('chat'));
      };
    });
    await reply(engine, request());
    await cleared;
    // All steps that would wait for their turn have had it.
    await reply(engine, request(IDS.slice(0, 5), { storePrefixFor: undefined }));
    expect(store.blocks.size).toBe(0);
    await expect(engine.clearPrefixCache('../chat')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('stores the next reply when it was cleared while a block was written', async () => {
    const store = new MemoryStore();
    const engine = await started(store, await tiny());
    const cleared = new Promise<void>((resolve) => {
      store.onSet = () => {
        store.onSet = () => undefined;
        resolve(engine.clearPrefixCache());
        // As when the unfinished file is deleted.
        throw new EngineError('STORAGE', 'No such file.');
      };
    });
    await reply(engine, request());
    await cleared;
    await reply(engine, request());
    await vi.waitFor(() => expect(store.blocks.size).toBe(3));
    expect(warnings).toEqual([]);
  });

  it.each<[string, () => Promise<ModelFiles>]>([
    ['tiny-transformer', () => nodeModelFiles(TINY_TRANSFORMER_DIR)],
    ['a quantised llama', () => tinyGgufFiles('llama-d256.Q4_1')],
    ...(isFull ? OTHER_MODELS : []),
  ])(
    'gives random chats with %s the same replies',
    async (_, open) => {
      const store = new MemoryStore();
      const plain = await started(undefined, await open());
      const prefix = IDS.slice(0, 150);
      await fc.assert(
        fc.asyncProperty(randomChats([3, 4, 5, 6, 7], ['e', '.']), async (turns) => {
          const long = turns.map((turn, i) => (i === 0 ? { ...turn, ids: [...prefix, ...turn.ids] } : turn));
          const expected = await answers(plain, long, {}, 'shift', 250);
          const restarted = await started(store, await open());
          expect(await answers(restarted, long, { storePrefixFor: 'chat' }, 'shift', 250)).toEqual(expected);
          await restarted.unload();
        }),
        { numRuns: CHATS },
      );
      expect(store.blocks.size).toBeGreaterThan(0);
      expect(store.reads).toBeGreaterThan(CHATS);
    },
    TIMEOUT_MS,
  );
});
