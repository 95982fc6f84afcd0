/** What a token costs on the GPU by the plan, and what that allows on three cards. */
import { batchOf } from '../../src-main/engine/executors/batch.ts';
import { createWebGpuExecutor } from '../../src-main/engine/executors/webgpu/webgpu-executor.ts';
import { KvCache } from '../../src-main/engine/kv-cache/kv-cache.ts';
import type { Architecture } from '../../src-main/engine/models/architectures/architecture.ts';
import { llama } from '../../src-main/engine/models/architectures/llama.ts';
import { qwen3 } from '../../src-main/engine/models/architectures/qwen3.ts';
import { Decoder } from '../../src-main/engine/models/decoder.ts';
import type { Hyperparameters } from '../../src-main/engine/models/hyperparameters.ts';
import type { WeightDeclaration } from '../../src-main/engine/program/weights.ts';
import type { BlockType } from '../../src-main/engine/quant/block-type.ts';
import { F32 } from '../../src-main/engine/quant/f32.ts';
import { Q4_0 } from '../../src-main/engine/quant/q4_0.ts';
import { Q6_K } from '../../src-main/engine/quant/q6_k.ts';
import { Q8_0 } from '../../src-main/engine/quant/q8_0.ts';
import { imaginedGpu } from '../../src-main/engine/test-support/imagined-gpu.ts';
import { megabytes, number, percent, table } from './markdown.ts';

/** Tokens in the cache. */
const CONTEXT = 1000;

interface Shape {
  readonly name: string;
  readonly architecture: Architecture;
  readonly hyper: Hyperparameters;
}

type Sizes = Pick<
  Hyperparameters,
  'vocabularySize' | 'blockCount' | 'embeddingLength' | 'feedForwardLength' | 'headCount' | 'headCountKv' | 'keyLength'
>;

/** The published sizes; all three use the token table as output matrix. */
const SHAPES: readonly Shape[] = [
  shape('SmolLM2-135M', llama, {
    ...{ vocabularySize: 49_152, blockCount: 30, embeddingLength: 576, feedForwardLength: 1536 },
    ...{ headCount: 9, headCountKv: 3, keyLength: 64 },
  }),
  shape('Llama 3.2 1B', llama, {
    ...{ vocabularySize: 128_256, blockCount: 16, embeddingLength: 2048, feedForwardLength: 8192 },
    ...{ headCount: 32, headCountKv: 8, keyLength: 64 },
  }),
  shape('Qwen3 4B', qwen3, {
    ...{ vocabularySize: 151_936, blockCount: 36, embeddingLength: 2560, feedForwardLength: 9728 },
    ...{ headCount: 32, headCountKv: 8, keyLength: 128 },
  }),
];

/** Types of the matrices, and of a token table of some width, in files that llama.cpp writes. */
const FILES: readonly { readonly name: string; readonly matrix: BlockType; tokens(width: number): BlockType }[] = [
  { name: 'Q4_0', matrix: Q4_0, tokens: (width) => (width % Q6_K.blockSize === 0 ? Q6_K : Q8_0) },
  { name: 'Q8_0', matrix: Q8_0, tokens: () => Q8_0 },
];

/** A card's memory bandwidth as its maker publishes it, and what runs WebGPU's dispatches there. */
const CARDS = [
  { name: 'GeForce RTX 4090', gigabytesPerSecond: 1008, api: 'Vulkan' },
  { name: 'GeForce RTX 3060', gigabytesPerSecond: 360, api: 'Vulkan' },
  { name: 'Apple M2', gigabytesPerSecond: 100, api: 'Metal' },
] as const;

/** Measured time of one dispatch in µs, lowest and highest (Maczan 2026, arXiv 2604.02344). */
const DISPATCH_US = { Vulkan: [24, 36], Metal: [32, 71] } as const;
/** Time to submit a token's commands and to map its result in Chromium, ms. */
const SUBMIT_MS = 0.5;

/** Per token. */
export interface TokenCost {
  readonly model: string;
  readonly layers: number;
  readonly dispatches: number;
  readonly weightBytes: number;
  /** K and V of `CONTEXT` tokens. */
  readonly cacheBytes: number;
  readonly bytesReadBack: number;
}

/** Of each shape in each type. Compiles the plans for a GPU that computes nothing. */
export async function tokenCosts(): Promise<TokenCost[]> {
  const costs: TokenCost[] = [];
  for (const { name, architecture, hyper } of SHAPES) {
    for (const file of FILES) {
      const program = architecture.program(new Decoder(hyper, CONTEXT + 1, architecture.ropePairing));
      const typeOf = (weight: WeightDeclaration) => {
        if (weight.shape.length === 1) return F32;
        return weight.name === 'token_embd.weight' ? file.tokens(weight.shape[1]) : file.matrix;
      };
      const reader = { typeOf, readRows: () => Promise.resolve() };
      const { take, ...device } = imaginedGpu();
      const executor = await createWebGpuExecutor(program, reader, { device, cells: CONTEXT });
      take();
      await executor.run(batchOf([new KvCache(CONTEXT).append(0, [0])]), { logits: [0], lend: true, bestFirst: true });
      const { dispatches, bytesRead } = take();
      const { weights: weightBytes, kvCache: cacheBytes } = executor.memoryBytes;
      const model = `${name}, ${file.name}`;
      costs.push({ model, layers: hyper.blockCount, dispatches, weightBytes, cacheBytes, bytesReadBack: bytesRead });
    }
  }
  return costs;
}

/** Tables in Markdown. */
export async function gpuLimits(): Promise<string> {
  const costs = await tokenCosts();
  const plans = costs.map(({ model, layers, dispatches, weightBytes, cacheBytes, bytesReadBack }) => [
    model,
    String(layers),
    String(dispatches),
    megabytes(weightBytes),
    megabytes(cacheBytes),
    String(bytesReadBack),
  ]);
  const rates = CARDS.map(({ name, gigabytesPerSecond, api }) => {
    const [low, high] = DISPATCH_US[api];
    return [
      `${name}: ${gigabytesPerSecond} GB/s, ${low} to ${high} µs`,
      ...costs.map((cost) => {
        const [slow, fast] = [high, low].map((us) => 1000 / milliseconds(cost, gigabytesPerSecond, us));
        const share = (cost.dispatches * low) / 1000 / milliseconds(cost, gigabytesPerSecond, low);
        return `${number(slow)} to ${number(fast)} (${percent(share)})`;
      }),
    ];
  });
  return [
    table(
      ['model', 'layers', 'dispatches', 'weights, MB', `K and V after ${CONTEXT} tokens, MB`, 'bytes read back'],
      plans,
    ),
    table(['card: bandwidth, time per dispatch', ...costs.map(({ model }) => model)], rates),
  ].join('\n\n');
}

/**
 * Time of a token, ms, if nothing overlaps: each dispatch waits for the one before it.
 * @param bandwidth of the card's memory, GB/s
 * @param us time of a dispatch, µs
 */
function milliseconds({ weightBytes, cacheBytes, dispatches }: TokenCost, bandwidth: number, us: number): number {
  return (weightBytes + cacheBytes) / (bandwidth * 1e6) + (dispatches * us) / 1000 + SUBMIT_MS;
}

function shape(name: string, architecture: Architecture, sizes: Sizes): Shape {
  const each = <T>(value: T) => Array.from({ length: sizes.blockCount }, () => value);
  const scaling = { type: 'none' } as const;
  const rope = { dimensionCount: sizes.keyLength, freqBase: 10_000, scaling, freqDivisors: null, attentionFactor: 1 };
  const hyper: Hyperparameters = {
    ...sizes,
    contextLength: CONTEXT + 1,
    normEpsilon: 1e-5,
    attentionScale: sizes.keyLength ** -0.5,
    attentionLogitSoftcap: null,
    finalLogitSoftcap: null,
    slidingWindow: null,
    localLayers: each(false),
    ropeLayers: each(true),
    rope,
    ropeLocal: rope,
    tiedEmbeddings: true,
    biases: { queryKeyValue: false, attentionOutput: false, feedForward: false },
  };
  return { name, architecture, hyper };
}
