/** A model in several memories gives the same bits as in one. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { nodePlatform } from '../../../hosts/node/node-platform.ts';
import type { KernelThreads } from '../../api/platform.ts';
import type { GenerateEnd, KvCacheType } from '../../api/types.ts';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import type { Model } from '../../models/model.ts';
import { intervene } from '../../program/interventions.ts';
import { partialProgram, tensorName } from '../../program/partial-program.ts';
import { INTERVENTION_CASES } from '../../test-support/intervention-cases.ts';
import { memoryLimitFor } from '../../test-support/memory-limit.ts';
import { ALL_MODELS, BUILT_IN, filesOf, someIds } from '../../test-support/inside-models.ts';
import { modelReply } from '../../test-support/model-reply.ts';
import { equalBits, promptAndSteps } from '../../test-support/prompt-and-steps.ts';
import { collect } from '../../test-support/scripted-model.ts';
import { singleFile, testModelPath } from '../../test-support/test-model.ts';
import { QUANTIZED_MODELS } from '../../test-support/tiny-gguf.ts';
import { openWasmModel } from '../../test-support/wasm-model.ts';
import { batchOf } from '../batch.ts';
import type { Executor, Outputs, RunResult } from '../executor.ts';

const MEMORIES = 3;
const CONTEXT = 64;
const TIMEOUT_MS = 900_000;
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** A quantised model with all kinds of operations. */
const QUANTIZED = 'llama-d256.Q4_K_M';

const open: Executor[] = [];
afterEach(async () => {
  for (const executor of open.splice(0)) await executor.dispose();
});

interface Options {
  readonly memories: number;
  readonly threads?: number;
  readonly host?: KernelThreads;
  readonly kvCacheType?: KvCacheType;
  readonly contextSize?: number;
}

async function openIn(name: string, options: Options): Promise<{ model: Model; executor: Executor }> {
  const { memories, threads = 1, host = nodeKernelThreads(), contextSize = CONTEXT, kvCacheType } = options;
  const path = name === SMOLLM2 ? await testModelPath() : null;
  const files = path ? await singleFile(path) : await filesOf(name);
  const limitOptions = { contextSize, threads, ...(kvCacheType ? { kvCacheType } : {}) };
  const opened = await openWasmModel(files, {
    ...{ contextSize, kvCacheType, clock: { now: () => performance.now() }, streams: 8 },
    threads: { count: threads, host },
    ...(memories === 1 ? {} : { memoryLimit: await memoryLimitFor(files, memories, limitOptions) }),
  });
  open.push(opened.executor);
  return opened;
}

const SMOLLM2 = 'SmolLM2';

/** One executor with one memory and one with several. */
async function pair(name: string, options: Omit<Options, 'memories'> = {}) {
  const { model, executor: one } = await openIn(name, { ...options, memories: 1 });
  const { executor: several } = await openIn(name, { ...options, memories: MEMORIES });
  return { model, one, several };
}

async function allOf({ logits, taps }: RunResult): Promise<Float32Array[]> {
  return [...(await Promise.all(logits.map((handle) => handle.read()))), ...[...taps.values()].map(({ data }) => data)];
}

/** Logits and taps of a prompt. */
async function run(executor: Executor, ids: readonly number[], outputs: Outputs): Promise<Float32Array[]> {
  return allOf(await executor.run(batchOf([new KvCache(CONTEXT).append(0, ids)]), outputs));
}

describe('a model in several memories', () => {
  it.each([...ALL_MODELS, ...(isFull ? QUANTIZED_MODELS : [QUANTIZED])])(
    'gives the same bits as in one: %s',
    async (name) => {
      const { model, one, several } = await pair(name, { threads: isFull ? 2 : 1 });
      const shape = { prompt: 30, steps: 6, context: CONTEXT, vocabulary: model.config.vocabularySize };
      const expected = await promptAndSteps(one, shape);
      expect(equalBits(await promptAndSteps(several, shape), expected)).toBe(true);
      expect(several.memoryBytes.kvCache).toBe(one.memoryBytes.kvCache);
    },
    TIMEOUT_MS,
  );

  it('computes them on several threads', async () => {
    const { model, executor } = await openIn(QUANTIZED, { memories: 1 });
    const shape = { prompt: 30, steps: 12, context: CONTEXT, vocabulary: model.config.vocabularySize };
    const expected = await promptAndSteps(executor, shape);
    for (const threads of isFull ? [2, 3] : [2]) {
      const { executor: several } = await openIn(QUANTIZED, { memories: MEMORIES, threads });
      // Idle threads are woken for each prompt.
      for (let reply = 0; reply < 2; reply++)
        expect(equalBits(await promptAndSteps(several, shape), expected)).toBe(true);
    }
  });

  it.each(['f32', 'f16', 'q8'] as const)('with K and V as %s', async (kvCacheType) => {
    const { model, one, several } = await pair('gemma3', { kvCacheType });
    const shape = { prompt: 30, steps: 6, context: CONTEXT, vocabulary: model.config.vocabularySize };
    expect(equalBits(await promptAndSteps(several, shape), await promptAndSteps(one, shape))).toBe(true);
  });

  it('in slices of 256 rows', async () => {
    const contextSize = 700;
    const { model, one, several } = await pair(BUILT_IN, { contextSize });
    const shape = { prompt: 600, steps: 2, context: contextSize, vocabulary: model.config.vocabularySize };
    expect(equalBits(await promptAndSteps(several, shape), await promptAndSteps(one, shape))).toBe(true);
  });

  it.each(isFull ? ALL_MODELS : [BUILT_IN, 'llama', 'gpt2-tied'])('returns the same taps: %s', async (name) => {
    const { model, one, several } = await pair(name);
    const ids = someIds(model, 20);
    const outputs = { logits: [0, 19], taps: [...model.program.taps] };
    expect(equalBits(await run(several, ids, outputs), await run(one, ids, outputs))).toBe(true);
  });

  it.each(isFull ? ALL_MODELS : [BUILT_IN, 'gemma3'])('has the same interventions: %s', async (name) => {
    const { model, one, several } = await pair(name);
    const ids = someIds(model, 20);
    for (const interventions of INTERVENTION_CASES) {
      const outputs = { logits: [19], program: intervene(model.program, interventions) };
      expect(equalBits(await run(several, ids, outputs), await run(one, ids, outputs))).toBe(true);
    }
  });

  it('runs any part of the program', async () => {
    const { model, one, several } = await pair(BUILT_IN);
    const ids = someIds(model, 20);
    const streams = model.program.ops.flatMap(({ output }) => (output === null ? [] : [output]));
    const all = { logits: [], program: partialProgram(model.program, { given: [], wanted: streams }) };
    const values = await run(one, ids, { ...all, taps: streams.map(tensorName) });
    const given = new Map(streams.map((tensor, i) => [tensorName(tensor), values[i]]));
    for (let i = 0; i + 4 < streams.length; i += 3) {
      const part = { given: streams.slice(i, i + 3), wanted: [streams[i + 4]], logits: 'raw' as const };
      const program = partialProgram(model.program, part);
      const outputs = { logits: [19], program, given, taps: [tensorName(streams[i + 4])] };
      expect(equalBits(await run(several, ids, outputs), await run(one, ids, outputs))).toBe(true);
    }
  });

  it.each(['llama', 'gpt2-tied'])('lends logits from the memory that has them: %s', async (name) => {
    const { model, one, several } = await pair(name);
    const ids = someIds(model, 20);
    const lent = async (executor: Executor) => {
      const batch = batchOf([new KvCache(CONTEXT).append(0, ids)]);
      const { logits } = await executor.run(batch, { logits: [19], lend: true });
      const found = await logits[0].lend();
      return [found.logSum(), ...found.top(5), ...found.values];
    };
    expect(await lent(several)).toEqual(await lent(one));
  });

  it('copies cells for lanes, and gives them back', async () => {
    const { model, one, several } = await pair(QUANTIZED);
    const ids = someIds(model, 12);
    const logits: Float32Array[][] = [];
    for (const executor of [one, several]) {
      const own = new KvCache(CONTEXT);
      await executor.run(batchOf([own.append(0, ids)]), { logits: [] });
      const before = executor.memoryBytes.kvCache;
      const found: Float32Array[] = [];
      for (let round = 0; round < 2; round++) {
        const block = await executor.allocateCells(2 * CONTEXT);
        block.copy(own.cells(0, ids.length));
        expect(executor.memoryBytes.kvCache).toBe(before + block.bytes);
        const cache = new KvCache(block.cells);
        cache.append(0, ids);
        const result = await executor.run({ ...batchOf([cache.append(0, [7, 8])]), block }, { logits: [1] });
        found.push(...(await allOf(result)));
        block.release();
      }
      logits.push(found);
    }
    expect(equalBits(logits[1], logits[0])).toBe(true);
  });

  it.each(isFull ? ALL_MODELS : [BUILT_IN, QUANTIZED])('shifts a full context window: %s', async (name) => {
    const { model, one, several } = await pair(name);
    const ids = [model.config.bosTokenId ?? 0, ...someIds(model, 40)];
    const ends: GenerateEnd[] = [];
    for (const executor of [one, several]) {
      const events = modelReply(model, executor, CONTEXT, (params) => {
        params.prompt = { kind: 'ids', ids, whenFull: 'shift' };
        params.stop.maxTokens = 60;
      });
      ends.push((await collect(events)).end);
    }
    expect(ends[0].stop.reason).toBe('max_tokens');
    // Each shift drops up to half of the window.
    expect(ends[0].dropped!.total).toBeGreaterThan(CONTEXT / 2);
    expect(ends[1]).toMatchObject({ ids: ends[0].ids, stop: ends[0].stop, dropped: ends[0].dropped! });
  });

  it('stores the same bytes of K and V', async () => {
    const { model, one, several } = await pair(QUANTIZED);
    const ids = someIds(model, 12);
    const cells = Int32Array.from(ids.keys());
    for (const executor of [one, several]) await run(executor, ids, { logits: [] });
    const stored = one.cellAccess!.read(cells);
    expect(Buffer.from(several.cellAccess!.read(cells)).equals(Buffer.from(stored))).toBe(true);
    // What one has computed, the other continues.
    const { executor } = await openIn(QUANTIZED, { memories: MEMORIES });
    executor.cellAccess!.write(cells, stored);
    const next = async (of: Executor) => {
      const cache = new KvCache(CONTEXT);
      cache.append(0, ids);
      return allOf(await of.run(batchOf([cache.append(0, [7])]), { logits: [0] }));
    };
    expect(equalBits(await next(executor), await next(one))).toBe(true);
  });

  it('stops in the middle of a run, in any memory, and runs again', async () => {
    const { executor, model } = await openIn(QUANTIZED, { memories: MEMORIES, threads: 2 });
    const ids = someIds(model, 40);
    const expected = await run(executor, ids, { logits: [39] });
    for (const look of [1, 3, 10, 25]) {
      let looks = 0;
      const cancel = {
        get cancelled() {
          return ++looks >= look;
        },
      };
      const batch = batchOf([new KvCache(CONTEXT).append(0, ids)]);
      const stopped = executor.run(batch, { logits: [39] }, cancel);
      await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(equalBits(await run(executor, ids, { logits: [39] }), expected)).toBe(true);
    }
  });

  it('fails in all of them when a thread is lost', async () => {
    const lost: (() => void)[] = [];
    const host = nodeKernelThreads();
    const start: KernelThreads['start'] = (thread, onFailure) => {
      lost.push(onFailure);
      return host.start(thread, onFailure);
    };
    const { executor, model } = await openIn(QUANTIZED, { memories: MEMORIES, threads: 2, host: { ...host, start } });
    const ids = someIds(model, 40);
    await run(executor, ids, { logits: [39] });
    expect(executor.failed).toBe(false);
    for (const report of lost) report();
    expect(executor.failed).toBe(true);
    await expect(run(executor, ids, { logits: [39] })).rejects.toMatchObject({ code: 'BACKEND_LOST' });
  });

  it('names what they need together when the system has too little for one', async () => {
    const { executor } = await openIn(QUANTIZED, { memories: MEMORIES });
    const { weights, kvCache, scratch } = executor.memoryBytes;
    const { grow } = WebAssembly.Memory.prototype;
    let left = MEMORIES - 1;
    vi.spyOn(WebAssembly.Memory.prototype, 'grow').mockImplementation(function (this: WebAssembly.Memory, pages) {
      if (left-- > 0) return grow.call(this, pages);
      throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory');
    });
    try {
      await expect(openIn(QUANTIZED, { memories: MEMORIES })).rejects.toMatchObject({
        code: 'OUT_OF_MEMORY',
        details: { bytes: weights + kvCache + scratch },
      });
    } finally {
      vi.restoreAllMocks();
    }
  });

  it('gives back all of them when it is disposed of', async () => {
    const memories = await memoriesOfDisposed();
    expect(memories).toHaveLength(MEMORIES);
    const left = () => {
      nodePlatform().collectGarbage?.();
      return memories.filter((memory) => memory.deref() !== undefined).length;
    };
    await expect.poll(left).toBe(0);
  });

  it('measures the same operations', async () => {
    const { model, one, several } = await pair(QUANTIZED);
    const ids = someIds(model, 5);
    const [expected, found] = await Promise.all(
      [one, several].map(async (executor) => {
        const batch = batchOf([new KvCache(CONTEXT).append(0, ids)]);
        return (await executor.run(batch, { logits: [4], profile: true })).profile!.ops;
      }),
    );
    const work = (ops: typeof found) =>
      ops.map(({ name, bytes, multiplyAdds }) => [name, bytes, multiplyAdds]).filter(([, , count]) => count !== 0);
    expect(new Set(work(found).map(String))).toEqual(new Set(work(expected).map(String)));
  });
});

/** In a function of its own, so that no variable holds the executor. */
async function memoriesOfDisposed(): Promise<WeakRef<WebAssembly.Memory>[]> {
  const memories: WeakRef<WebAssembly.Memory>[] = [];
  const Memory = WebAssembly.Memory;
  WebAssembly.Memory = class extends Memory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      super(descriptor);
      memories.push(new WeakRef(this));
    }
  };
  try {
    const { executor, model } = await openIn(QUANTIZED, { memories: MEMORIES, threads: 2 });
    await run(executor, someIds(model, 5), { logits: [4] });
    for (const opened of open.splice(0)) await opened.dispose();
  } finally {
    WebAssembly.Memory = Memory;
  }
  return memories;
}

const path = isFull ? await testModelPath() : null;

describe.skipIf(path === null)('SmolLM2 in several memories (full run, needs the fetched test model)', () => {
  it(
    'gives the same bits as in one',
    async () => {
      const contextSize = 128;
      const { model, one, several } = await pair(SMOLLM2, { contextSize, threads: 2 });
      const shape = { prompt: 70, steps: 12, context: contextSize, vocabulary: model.config.vocabularySize };
      expect(equalBits(await promptAndSteps(several, shape), await promptAndSteps(one, shape))).toBe(true);
    },
    TIMEOUT_MS,
  );
});
