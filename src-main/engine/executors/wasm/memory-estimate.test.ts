import { describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../../hosts/node/kernel-threads.ts';
import { describeModel, InferenceEngine } from '../../index.ts';
import { fromSource } from '../../models/opened-model.ts';
import { openSource } from '../../models/open-model.ts';
import { readerOf } from '../../models/weight-source.ts';
import type { ModelFiles } from '../../api/platform.ts';
import { ProgramBuilder, type Value } from '../../program/program-builder.ts';
import type { Program } from '../../program/program.ts';
import { IQ4_XS } from '../../quant/iq4_xs.ts';
import { Q4_K } from '../../quant/q4_k.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { memoryLimitFor } from '../../test-support/memory-limit.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../../test-support/model-files.ts';
import { tinyGgufFiles } from '../../test-support/tiny-gguf.ts';
import { bufferSizes } from './buffers.ts';
import { dotKindOf } from './kernel-choice.ts';
import { bytesOf, checkFits, layOut, sumOf, type WasmMemory } from './memory-estimate.ts';
import { createWasmExecutor, wasmMemoryOf } from './wasm-executor.ts';
import type { DotKind } from './weight-layouts.ts';

const MODELS: readonly [name: string, files: () => Promise<ModelFiles>][] = [
  ['TinyTransformer', () => nodeModelFiles(TINY_TRANSFORMER_DIR)],
  ...['llama', 'gemma3', 'gpt2-tied', 'llama-d256.Q4_K_M', 'llama-d256.IQ4_XS'].map(
    (name) => [name, () => tinyGgufFiles(name)] as [string, () => Promise<ModelFiles>],
  ),
];

const CODES = dotKindOf(testKernels());

describe('the memory that the kernels need', () => {
  it.each(MODELS)('for %s equals what it then occupies', async (_name, open) => {
    const files = await open();
    const engine = new InferenceEngine({
      clock: { now: () => performance.now() },
      log: { debug: () => undefined, warn: () => undefined },
      yieldToHost: () => Promise.resolve(),
      randomSeed: () => 1,
      compileKernels: async () => testKernels(),
      threads: { ...nodeKernelThreads(), available: 2 },
    });
    const [estimate] = (await describeModel(files, 2, async () => testKernels())).memory;
    const { memoryBytes } = await engine.load(files, { contextSize: estimate.contextSize });
    expect(estimate).toMatchObject(memoryBytes);
    expect(estimate.total).toBe(memoryBytes.weights + memoryBytes.kvCache + memoryBytes.scratch);
    await engine.unload();
  });

  it('of a model with 8 billion parameters exceeds one memory, and fits in two', () => {
    // The matrices of Llama 3.1 8B.
    const program = transformer({ layers: 32, width: 4096, inner: 14_336, vocabulary: 128_256 });
    const reader = { typeOf: () => Q4_K };
    const { placement, memories } = layOut(program, reader, bufferSizes(4096, 'f16'), 2, 'unsigned');
    expect(placement?.memories).toBe(2);
    // An eighth is left for the cells of lanes.
    for (const memory of memories) expect(bytesOf(memory)).toBeLessThan((7 / 8) * 2 ** 32);
    const { weights, kvCache, scratch } = sumOf(memories);
    // 5 bits each in memory.
    expect(weights / 5.02e9).toBeCloseTo(1, 2);
    // K and V of 32 layers, 4096 tokens, 1024 values of 2 bytes.
    expect(kvCache).toBe(2 * 32 * 4096 * 1024 * 2);
    expect(scratch).toBeLessThan(0.05 * weights);
    expect(wasmMemoryOf(program, reader, 4096, 2, 'unsigned')).toEqual({ weights, kvCache, scratch });
  });

  it('of IQ4 weights depends on the machine: where 8-bit codes are not exact, 4 billion need two memories', () => {
    const program = transformer({ layers: 36, width: 2560, inner: 9728, vocabulary: 151_936 });
    const reader = { typeOf: () => IQ4_XS };
    const parameters = program.weights.reduce((sum, { shape }) => sum + shape[0] * shape[1], 0);
    const on = (codes: DotKind) => {
      const { placement, memories } = layOut(program, reader, bufferSizes(4096, 'f16'), 2, codes);
      for (const memory of memories) expect(bytesOf(memory)).toBeLessThan((7 / 8) * 2 ** 32);
      expect(wasmMemoryOf(program, reader, 4096, 2, codes)).toEqual(sumOf(memories));
      return { count: placement?.memories, bits: (8 * sumOf(memories).weights) / parameters };
    };
    expect(on('unsigned')).toEqual({ count: 1, bits: expect.closeTo(4.5, 1) as number });
    expect(on('signed')).toEqual(on('unsigned'));
    expect(on('seven-bits')).toEqual({ count: 2, bits: expect.closeTo(8.5, 1) as number });
  });

  it('adds up over several memories, each within its limit', async () => {
    const files = await tinyGgufFiles('llama-d256.Q4_K_M');
    const opened = fromSource(await openSource(files));
    const [program, weights] = [opened.buildProgram(512), readerOf(opened.weights)];
    const limit = await memoryLimitFor(files, 3, { contextSize: 512 });
    const { memories } = layOut(program, weights, bufferSizes(512, 'f16'), 1, CODES, limit);
    expect(memories).toHaveLength(3);
    for (const memory of memories) expect(bytesOf(memory)).toBeLessThanOrEqual(limit);
    const options = { kernels: testKernels(), cells: 512, memoryLimit: limit };
    const executor = await createWasmExecutor(program, weights, options);
    expect(executor.memoryBytes).toEqual(sumOf(memories));
    const whole = wasmMemoryOf(program, weights, 512, 1, CODES);
    expect(executor.memoryBytes.kvCache).toBe(whole.kvCache);
    // The first page of each memory is unused.
    expect(executor.memoryBytes.weights).toBe(whole.weights + 2 * 65_536);
    await executor.dispose();
    await opened.close();
  });

  it('is within 15 % of the WebAssembly memory in use, including the peak while loading', async () => {
    const files = await tinyGgufFiles('llama-d256.Q4_K_M');
    const opened = fromSource(await openSource(files));
    const [program, weights] = [opened.buildProgram(512), readerOf(opened.weights)];
    const memories: WebAssembly.Memory[] = [];
    const Memory = WebAssembly.Memory;
    WebAssembly.Memory = class extends Memory {
      constructor(descriptor: WebAssembly.MemoryDescriptor) {
        super(descriptor);
        memories.push(this);
      }
    };
    try {
      const executor = await createWasmExecutor(program, weights, { kernels: testKernels(), cells: 512 });
      await executor.dispose();
    } finally {
      WebAssembly.Memory = Memory;
      await opened.close();
    }
    const { weights: weightBytes, kvCache, scratch } = wasmMemoryOf(program, weights, 512, 1, CODES);
    expect(memories).toHaveLength(1);
    const real = memories[0].buffer.byteLength;
    expect(weightBytes + kvCache + scratch).toBeGreaterThan(0.85 * real);
    expect(weightBytes + kvCache + scratch).toBeLessThan(1.15 * real);
  });

  it('grows with the context, and is refused with numbers before anything is read', async () => {
    const opened = fromSource(await openSource(await tinyGgufFiles('llama')));
    const weights = readerOf(opened.weights);
    // A context beyond the model's, so that a small file needs gigabytes.
    const program: Program = opened.buildProgram(512);
    const cells = 20_000_000;
    expect(wasmMemoryOf(program, weights, cells, 1, CODES).kvCache).toBeGreaterThan(2 ** 32);
    let read = 0;
    const reader = { typeOf: weights.typeOf.bind(weights), readRows: async () => void read++ };
    const options = { kernels: testKernels(), cells };
    await expect(createWasmExecutor(program, reader, { ...options, memoryOfComputer: 2 ** 32 })).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(
        /needs \d+\.\d\d\sGB for a context of 20000000 tokens.*computer has 4\.29\sGB.*at most/,
      ),
    });
    // Layers can be divided between memories, but not the K and V of one.
    await expect(createWasmExecutor(program, reader, { ...options, memoryLimit: 1e9 })).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringMatching(/One of its layers does not fit.*which holds 1\.00\sGB.*smaller context/),
    });
    expect(read).toBe(0);
    await opened.close();
  });

  it('suggests a smaller model if no context would fit', () => {
    const memory: WasmMemory = { weights: 5e9, kvCache: 1e8, scratch: 1e6 };
    const placement = { memories: 1, weights: new Map(), layers: [0] };
    const layout = { placement, memories: [memory], limit: 2 ** 32 };
    expect(() => checkFits(layout, 4096, 4e9)).toThrow(/5\.00\u00a0GB for weights.*smaller model/);
    expect(checkFits(layout, 4096, 6e9)).toBe(placement);
  });
});

interface Size {
  readonly layers: number;
  readonly width: number;
  readonly inner: number;
  readonly vocabulary: number;
}

/** The matrices of a transformer with 32 heads of 128, and 8 of them for K and V. */
function transformer({ layers, width, inner, vocabulary }: Size): Program {
  const kvWidth = 8 * 128;
  const p = new ProgramBuilder();
  let x = p.embed(p.weight('table', [vocabulary, width]), 'token');
  for (let layer = 0; layer < layers; layer++) {
    const linear = (name: string, input: Value, outputs: number) =>
      p.linear(input, p.weight(`${layer}.${name}`, [outputs, input.width]));
    const attended = p.attention(linear('q', x, 32 * 128), linear('k', x, kvWidth), linear('v', x, kvWidth), {
      ...{ layer, heads: 32, kvHeads: 8, headDim: 128, scale: 1, softcap: null },
      ...{ window: null, causal: true, weightsTap: null },
    });
    x = p.add(x, linear('o', attended, width));
    const gated = p.mul(p.silu(linear('gate', x, inner)), linear('up', x, inner));
    x = p.add(x, linear('down', gated, width));
  }
  return p.logits(x, p.weight('head', [vocabulary, width]));
}
