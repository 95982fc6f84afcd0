/**
 * Operations and models on the GPU, against the reference executor. One file, because compiling shaders takes a software
 * adapter most of the time, and the tests share them.
 */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openModel } from '../../models/open-model.ts';
import type { Program } from '../../program/program.ts';
import { ProgramBuilder } from '../../program/program-builder.ts';
import type { WeightStore, WeightView } from '../../program/weights.ts';
import { Tensor } from '../../tensor/tensor.ts';
import { countingDevice } from '../../test-support/counting-device.ts';
import { sharedDevice, testGpu } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { ALL_MODELS, BUILT_IN, CONTEXT, filesOf, normalisedError } from '../../test-support/inside-models.ts';
import { modelReply } from '../../test-support/model-reply.ts';
import { collect } from '../../test-support/scripted-model.ts';
import { QUANTIZED_MODELS } from '../../test-support/tiny-gguf.ts';
import { openWasmModel } from '../../test-support/wasm-model.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { caseProgram, OP_CASES, RESULT, takeCells } from '../ops.cases.ts';
import { createReferenceExecutor } from '../reference/reference-executor.ts';
import { storeReader } from '../wasm/weights.ts';
import type { OpenedDevice } from './device.ts';
import { TOP_LOGITS, topWords } from './ops/top-logits.ts';
import { Pipelines } from './pipelines.ts';
import { createWebGpuExecutor } from './webgpu-executor.ts';

const gpu = await testGpu();
const shared = gpu && (await sharedDevice(gpu));
/** The same device for all, which also counts. */
const counting = shared && countingDevice(shared.device);
const opened = (): OpenedDevice => ({ device: counting!.device, adapter: shared!.adapter });
const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

/**
 * Maximum normalised mean square error of an operation. WGSL allows exp an error of 3 + 2|x| ULP and a division 2.5, and
 * sums are float32: errors of a few 1.2e-7, squared.
 */
const OPERATION_NMSE = 1e-12;
/** Of a model. Float32 sums through all layers: relative errors of about 1e-5, squared. */
const MODEL_NMSE = 1e-9;
/** With types that become Q8_0, as on the CPU: each weight is off by at most 1/254 of its block's largest. */
const CONVERTED_NMSE = 1e-2;
/** With K and V in float16 on both, where what is almost halfway between two values may become either, 2^-11 apart. */
const FLOAT16_NMSE = 1e-6;

describe.skipIf(gpu === null)('operations of the webgpu executor (need an adapter)', () => {
  const cells = 16;

  it.each(OP_CASES.map((opCase) => [opCase.name, opCase] as const))(
    '%s',
    { timeout: 400_000 },
    async (_name, opCase) => {
      const { program, store, inputs, weights } = caseProgram(opCase);
      const executor = await createWebGpuExecutor(program, storeReader(store), {
        device: opened(),
        cells,
      });
      const { slots, ids } = takeCells(opCase, cells);
      const result = await executor.run(batchOf(slots), { logits: [0], taps: [RESULT] });
      const found = result.taps.get(RESULT)!;
      const expected = ids.flatMap((sequence) => {
        const rows = inputs.map((table) => sequence.map((id) => table[id]));
        return opCase.expected(rows, weights);
      });
      expect(found.shape).toEqual([expected.length, expected[0].length]);
      const error = normalisedError(found.data, expected.flat());
      expect(error).toBeLessThanOrEqual(opCase.tolerance === 0 ? 0 : OPERATION_NMSE);
      await executor.dispose();
    },
  );
});

/**
 * Without further shaders: layer norms and GELU; windows, norms of heads and after attention; Llama. Each other type of
 * weights takes shaders of its own, and the built-in model is large.
 */
const MODELS = isFull ? [...ALL_MODELS, ...QUANTIZED_MODELS] : ['gpt2', 'gemma3', 'llama'];
/** The prompt's run has kernels for many rows. */
const TOKENS = isFull ? 40 : 20;

describe.skipIf(gpu === null)('models on the webgpu executor (need an adapter)', () => {
  it.each(MODELS)('%s gives the logits of the reference executor', { timeout: 400_000 }, async (name) => {
    const { program, weights } = await openModel(await filesOf(name), { contextSize: CONTEXT });
    const reference = createReferenceExecutor(program, weights, { cells: CONTEXT });
    // The reference stores K and V in float32. Three slices are enough for attention to merge some.
    const options = { contextSize: CONTEXT, kvCacheType: 'f32', sliceCells: 4 } as const;
    const { executor } = await openGpuModel(await filesOf(name), opened(), options);
    const ids = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 11) % program.vocabularySize);
    const [expected, found] = [await allLogits(reference, ids), await allLogits(executor, ids)];
    expect(normalisedError(found, expected)).toBeLessThan(/Q[23]_K/.test(name) ? CONVERTED_NMSE : MODEL_NMSE);
    await executor.dispose();
  });
});

describe.skipIf(gpu === null)('K and V in float16 on the webgpu executor (need an adapter)', () => {
  it('give the logits of the CPU', { timeout: 400_000 }, async () => {
    const options = { contextSize: CONTEXT, kvCacheType: 'f16' } as const;
    const cpu = await openWasmModel(await filesOf('llama'), options);
    const { executor } = await openGpuModel(await filesOf('llama'), opened(), options);
    const ids = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 11) % cpu.model.program.vocabularySize);
    const [expected, found] = [await allLogits(cpu.executor, ids), await allLogits(executor, ids)];
    expect(normalisedError(found, expected)).toBeLessThan(FLOAT16_NMSE);
    await executor.dispose();
    await cpu.executor.dispose();
  });
});

/** Tokens of a program whose inputs are rows of tables. */
const VOCABULARY = 40;

/** Four values for each of the first tokens, and zeros for the others. */
function table(...rows: readonly (readonly number[])[]): Tensor {
  const data = new Float32Array(4 * VOCABULARY);
  rows.forEach((row, token) => data.set(row, 4 * token));
  return new Tensor([VOCABULARY, 4], data);
}

function onTables(
  tables: Readonly<Record<string, Tensor>>,
  build: (p: ProgramBuilder, weight: (name: string) => WeightView) => Program,
  options: { readonly kvCacheType?: 'f16'; readonly topLogits?: number },
): Promise<Executor> {
  const p = new ProgramBuilder();
  const program = build(p, (name) => p.weight(name, tables[name].shape));
  const store: WeightStore = { bytes: 0, get: (name) => tables[name] };
  return createWebGpuExecutor(program, storeReader(store), { device: opened(), cells: 4, ...options });
}

describe.skipIf(gpu === null)('NaN on the webgpu executor (needs an adapter)', () => {
  it('is not hidden by a soft cap of the logits', { timeout: 400_000 }, async () => {
    const head = new Tensor(
      [VOCABULARY, 4],
      Float32Array.from({ length: 4 * VOCABULARY }, (_, i) => Math.sin(i)),
    );
    const executor = await onTables(
      { input: table([1, 2, 3, 4], [1, NaN, 3, 4]), head },
      (p, weight) => p.logits(p.embed(weight('input'), 'token'), weight('head'), { softcap: 30 }),
      { topLogits: 8 },
    );
    const batch = batchOf([new KvCache(4).append(0, [0, 1])]);
    const { logits } = await executor.run(batch, { logits: [0, 1], lend: true, bestFirst: true });
    const sums = await Promise.all(logits.map(async (handle) => (await handle.lend()).logSum()));
    expect(sums.map((sum) => Number.isNaN(sum))).toEqual([false, true]);
    expect((await logits[1].read()).every(Number.isNaN)).toBe(true);
    await executor.dispose();
  });

  it('stays in K and V in float16, and what exceeds float16 becomes its largest', { timeout: 400_000 }, async () => {
    const executor = await onTables(
      {
        // All scores are 0, unless K is infinite or NaN.
        q: table(),
        k: table([1e5, -1e5, 0, 1], [], [NaN]),
        v: table([1e5, -1e5, 65_504, 0.5], [1, NaN, 2, 3], [1, 1, 1, 1]),
        head: table(),
      },
      (p, weight) => {
        const [q, k, v] = ['q', 'k', 'v'].map((name) => p.embed(weight(name), 'token'));
        const heads = { heads: 1, kvHeads: 1, headDim: 4, scale: 1, softcap: null, window: null, causal: true };
        return p.logits(p.tap(RESULT, p.attention(q, k, v, { layer: 0, ...heads, weightsTap: null })), weight('head'));
      },
      { kvCacheType: 'f16' },
    );
    const expected = [
      [65_504, -65_504, 65_504, 0.5],
      [1, NaN, 2, 3],
      [NaN, NaN, NaN, NaN],
    ];
    for (const [token, values] of expected.entries()) {
      // It attends to itself only, so that its output is its V.
      const batch = batchOf([new KvCache(4).append(0, [token])]);
      const { taps } = await executor.run(batch, { logits: [0], taps: [RESULT] });
      const found = [...taps.get(RESULT)!.data];
      expect(found.map((value) => Number.isNaN(value))).toEqual(values.map((value) => Number.isNaN(value)));
      values.forEach((value, i) => {
        if (!Number.isNaN(value)) expect(found[i] / value).toBeCloseTo(1, 5);
      });
    }
    await executor.dispose();
  });
});

describe.skipIf(gpu === null)('a token on the webgpu executor (needs an adapter)', () => {
  it(
    'gives the same bits in a batch and alone, whose attention is merged from slices',
    { timeout: 400_000 },
    async () => {
      const options = { contextSize: CONTEXT, kvCacheType: 'f32', sliceCells: 4 } as const;
      const { executor } = await openGpuModel(await filesOf('llama'), opened(), options);
      const ids = Array.from({ length: 30 }, (_, i) => (i * 37 + 11) % 300);
      // In runs of so many tokens: with kernels for one row, for some, for many.
      const logitsIn = async (runs: readonly number[], one: Executor): Promise<Float32Array[]> => {
        const cache = new KvCache(CONTEXT);
        const all: Float32Array[] = [];
        for (const tokens of runs) {
          const slots = cache.append(0, ids.slice(cache.length(0), cache.length(0) + tokens));
          const { logits } = await one.run(batchOf([slots]), { logits: [...slots.tokens.keys()] });
          for (const handle of logits) all.push(await handle.read());
        }
        return all;
      };
      const alone = await logitsIn(
        ids.map(() => 1),
        executor,
      );
      expect(await logitsIn([30], executor)).toEqual(alone);
      expect(await logitsIn([5, 1, 2, 17, 5], executor)).toEqual(alone);
      await executor.dispose();
    },
  );
});

describe.skipIf(gpu === null)('kernels without subgroups (need an adapter)', () => {
  it('give the same bits as with them', { timeout: 400_000 }, async (test) => {
    const { device, adapter } = opened();
    const { subgroup } = await Pipelines.of(opened());
    test.skip(subgroup === null, 'This adapter has no subgroups, so all other tests are without them.');
    const without = new Proxy(device, {
      get: (target, name) => (name === 'features' ? new Set() : Reflect.get(target, name, target)),
    });
    expect((await Pipelines.of({ device: without, adapter })).subgroup).toBeNull();
    const [found, expected] = await Promise.all(
      [device, without].map(async (each) => {
        const options = { contextSize: CONTEXT, sliceCells: 4 };
        const { executor } = await openGpuModel(await filesOf('llama'), { device: each, adapter }, options);
        const logits = await allLogits(executor, [11, 48, 85, 3, 20, 57, 94, 31, 5]);
        await executor.dispose();
        return logits;
      }),
    );
    expect(found).toEqual(expected);
  });
});

/** Of a prompt, and of two tokens after it, one by one. */
async function allLogits(executor: Executor, ids: number[]): Promise<Float32Array> {
  const cache = new KvCache(CONTEXT);
  const rows: Float32Array[] = [];
  for (const part of [ids.slice(0, -2), ids.slice(-2, -1), ids.slice(-1)]) {
    const { logits } = await executor.run(batchOf([cache.append(0, part)]), { logits: [...part.keys()] });
    for (const handle of logits) rows.push(await handle.read());
  }
  const all = new Float32Array(rows.length * rows[0].length);
  rows.forEach((row, i) => all.set(row, i * row.length));
  return all;
}

/** Dispatches that models have beside those of their layers, without the selection of the best logits. */
const COUNTS = {
  /** Per layer: norm with q, k and v; rotation and cache; attention; output; norm with gate and up; down. */
  llama: { perLayer: 6, others: ['embedding', 'last norm with the logits'] },
  /** Norms follow what they normalise: q, k and v; cache; attention; output; norm; up; down; norm. */
  [BUILT_IN]: { perLayer: 8, others: ['embedding', 'positions with their sum', 'logits'] },
} as const;
const MOST_BYTES_READ = 4096;

/** Runs in flight when a reply ends, whose tokens are not used. */
const AHEAD = 2;

describe.skipIf(gpu === null)('a token of a chat on the webgpu executor (needs an adapter)', () => {
  it.each([
    ['llama', 'draws from all logits'],
    [BUILT_IN, 'is the best of those that are read'],
    [BUILT_IN, 'is drawn from the best'],
  ] as const)('of %s, which %s, creates nothing, and moves little', { timeout: 400_000 }, async (name, how) => {
    const { take } = counting!;
    const options = { contextSize: CONTEXT, sliceCells: 4 };
    const { executor, model } = await openGpuModel(await filesOf(name), opened(), options);
    const { layers, vocabularySize } = model.config;
    // A small vocabulary is read as a whole.
    const selects = vocabularySize > topWords(TOP_LOGITS);
    expect(selects).toBe(name === BUILT_IN);
    expect(executor.choosesTokens).toBe(selects);
    const { perLayer, others } = COUNTS[name];
    take();
    const reply = modelReply(model, executor, CONTEXT, ({ sampling }) => {
      sampling.temperature = how === 'is drawn from the best' ? 0.8 : 0;
    });
    const { tokens, start } = await collect(reply);
    const counts = take();
    expect(tokens).toHaveLength(8);
    // One run for the prompt, which gives the first token, and one for each other token.
    const runs = 1 + executor.computedTokens - start.promptIds.length;
    expect(runs).toBe(tokens.length + (selects ? AHEAD : 0));
    // No buffer, pipeline or bind group.
    expect(counts.created).toEqual({ createCommandEncoder: runs });
    expect(counts.submits).toBe(runs);
    // The prompt's run chooses no token.
    const draws = how === 'is drawn from the best' ? runs - 1 : 0;
    expect(counts.dispatches).toBe(runs * (perLayer * layers + others.length + Number(selects)) + draws);
    expect(counts.bytesRead).toBe(runs * 4 * (selects ? topWords(TOP_LOGITS) : vocabularySize));
    expect(counts.bytesRead / runs).toBeLessThanOrEqual(MOST_BYTES_READ);
    // One row's record with its angles, and one new cell.
    expect(counts.bytesWritten / runs).toBeLessThan(512);
    await executor.dispose();
  });
});

describe.skipIf(gpu === null)('a profile of the webgpu executor (needs an adapter)', () => {
  const TIMEOUT = { timeout: 400_000 };
  const IDS = [11, 48, 85, 3, 20, 57];

  it('has the GPU time of each operation', TIMEOUT, async (test) => {
    test.skip(!shared!.device.features?.has('timestamp-query'), 'This adapter has no timestamp queries.');
    const { executor, model } = await openGpuModel(await filesOf('llama'), opened(), { contextSize: CONTEXT });
    const cache = new KvCache(CONTEXT);
    counting!.take();
    const started = performance.now();
    const { profile } = await executor.run(batchOf([cache.append(0, IDS)]), { logits: [5], profile: true });
    const wallMs = performance.now() - started;
    const { dispatches } = counting!.take();
    expect(profile).toMatchObject({ tokens: IDS.length, threads: null });
    const { ms, ops } = profile!;
    const sum = (of: (op: (typeof ops)[number]) => number) => ops.reduce((total, op) => total + of(op), 0);
    expect(sum(({ calls }) => calls)).toBe(dispatches);
    expect(sum((op) => op.ms)).toBeGreaterThan(0);
    expect(sum((op) => op.ms)).toBeLessThanOrEqual(ms);
    expect(ms).toBeLessThan(wallMs);
    const linear = ops.filter(({ name }) => name.startsWith('linear F32'));
    expect(Math.min(...linear.map((op) => op.ms))).toBeGreaterThan(0);
    const { layers, heads, headDim } = model.config;
    const matrices = model.program.ops.flatMap((op) => (op.op === 'linear' || op.op === 'logits' ? op.weights[0] : []));
    const read = linear.reduce((total, { bytes }) => total + bytes, 0);
    expect(read).toBe(matrices.reduce((total, { shape: [rows, width] }) => total + 4 * rows * width, 0));
    const attention = ops.find(({ name }) => name === 'attention')!;
    // Each token attends to itself and those before it; one product with K and one with V.
    const pairs = (IDS.length * (IDS.length + 1)) / 2;
    expect(attention).toMatchObject({ calls: layers, multiplyAdds: 2 * pairs * heads * headDim * layers, waitMs: 0 });
    expect(attention.bytes).toBeGreaterThan(0);
    await executor.dispose();
  });
});
