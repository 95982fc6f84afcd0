/**
 * Operations and models on the GPU, against the reference executor. One file, because compiling shaders takes a software
 * adapter most of the time, and the tests share them.
 */
import { describe, expect, it } from 'vitest';
import { KvCache } from '../../kv-cache/kv-cache.ts';
import { openModel } from '../../models/open-model.ts';
import { countingDevice } from '../../test-support/counting-device.ts';
import { sharedDevice, testGpu } from '../../test-support/gpu.ts';
import { openGpuModel } from '../../test-support/gpu-model.ts';
import { ALL_MODELS, BUILT_IN, CONTEXT, filesOf, normalisedError } from '../../test-support/inside-models.ts';
import { modelReply } from '../../test-support/model-reply.ts';
import { collect } from '../../test-support/scripted-model.ts';
import { QUANTIZED_MODELS } from '../../test-support/tiny-gguf.ts';
import { batchOf } from '../batch.ts';
import type { Executor } from '../executor.ts';
import { caseProgram, OP_CASES, RESULT, takeCells } from '../ops.cases.ts';
import { createReferenceExecutor } from '../reference/reference-executor.ts';
import { storeReader } from '../wasm/weights.ts';
import type { OpenedDevice } from './device.ts';
import { TOP_LOGITS, topWords } from './ops/top-logits.ts';
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

describe.skipIf(gpu === null)('operations of the webgpu executor (need an adapter)', () => {
  const cells = 16;

  it.each(OP_CASES.map((opCase) => [opCase.name, opCase] as const))(
    '%s',
    { timeout: 60_000 },
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
const TOKENS = isFull ? 40 : 9;

describe.skipIf(gpu === null)('models on the webgpu executor (need an adapter)', () => {
  it.each(MODELS)('%s gives the logits of the reference executor', { timeout: 120_000 }, async (name) => {
    const { program, weights } = await openModel(await filesOf(name), { contextSize: CONTEXT });
    const reference = createReferenceExecutor(program, weights, { cells: CONTEXT });
    // The reference stores K and V in float32.
    const options = { contextSize: CONTEXT, kvCacheType: 'f32' } as const;
    const { executor } = await openGpuModel(await filesOf(name), opened(), options);
    const ids = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 11) % program.vocabularySize);
    const [expected, found] = [await allLogits(reference, ids), await allLogits(executor, ids)];
    expect(normalisedError(found, expected)).toBeLessThan(/Q[23]_K/.test(name) ? CONVERTED_NMSE : MODEL_NMSE);
    await executor.dispose();
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

describe.skipIf(gpu === null)('a token of a chat on the webgpu executor (needs an adapter)', () => {
  it.each(['llama', BUILT_IN] as const)(
    'of %s creates nothing, and moves little',
    { timeout: 120_000 },
    async (name) => {
      const { take } = counting!;
      const { executor, model } = await openGpuModel(await filesOf(name), opened(), { contextSize: CONTEXT });
      const { layers, vocabularySize } = model.config;
      // A small vocabulary is read as a whole.
      const selects = vocabularySize > topWords(TOP_LOGITS);
      expect(selects).toBe(name === BUILT_IN);
      const { perLayer, others } = COUNTS[name];
      take();
      const { tokens } = await collect(modelReply(model, executor, CONTEXT));
      const counts = take();
      // One run for the prompt, which gives the first token, and one for each other token.
      const runs = tokens.length;
      expect(runs).toBe(8);
      // No buffer, pipeline or bind group.
      expect(counts.created).toEqual({ createCommandEncoder: runs });
      expect(counts.submits).toBe(runs);
      expect(counts.dispatches).toBe(runs * (perLayer * layers + others.length + Number(selects)));
      expect(counts.bytesRead).toBe(runs * 4 * (selects ? topWords(TOP_LOGITS) : vocabularySize));
      expect(counts.bytesRead / runs).toBeLessThanOrEqual(MOST_BYTES_READ);
      // One row's record with its angles, and one new cell.
      expect(counts.bytesWritten / runs).toBeLessThan(512);
      await executor.dispose();
    },
  );
});
