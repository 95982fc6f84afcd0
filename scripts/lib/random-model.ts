/**
 * Models of any size with random weights, for measurements: speed and memory depend on shapes and storage types rather than
 * on values. What they generate is noise.
 */
import type { FileHandle } from 'node:fs/promises';
import type { GgufFile } from '../../src-main/engine/formats/gguf/gguf-file.ts';
import { StringArray } from '../../src-main/engine/formats/gguf/string-array.ts';
import { layOutGguf, type TensorPlan, type TypedValue } from '../../src-main/engine/formats/gguf/writer.ts';
import { readExactly } from '../../src-main/engine/formats/read-exactly.ts';
import { type BlockType, rowBytes } from '../../src-main/engine/quant/block-type.ts';
import { F32 } from '../../src-main/engine/quant/f32.ts';
import { writeF16 } from '../../src-main/engine/quant/float16.ts';
import { Q4_K } from '../../src-main/engine/quant/q4_k.ts';
import { Q6_K } from '../../src-main/engine/quant/q6_k.ts';
import { Q8_0 } from '../../src-main/engine/quant/q8_0.ts';
import { Mt19937 } from '../../src-main/engine/sampling/rng.ts';
import { writeCompletely } from './write-completely.ts';

/** Sizes of a Llama model whose output matrix is its token table. */
export interface ModelShape {
  readonly width: number;
  readonly blocks: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabularySize: number;
  readonly contextSize: number;
}

const LLAMA_3 = { keyValueHeads: 8, vocabularySize: 128_256, contextSize: 131_072 };

export const SHAPES = {
  /** Llama 3.2 1B. */
  '1B': { ...LLAMA_3, width: 2048, blocks: 16, feedForward: 8192, heads: 32, headSize: 64 },
  /** Llama 3.1 Minitron 4B Width, but with one table for tokens and output. */
  '4B': { ...LLAMA_3, width: 3072, blocks: 32, feedForward: 9216, heads: 32, headSize: 128 },
  /** Llama 3.1 8B, but with one table for tokens and output: too large for one WebAssembly memory. */
  '8B': { ...LLAMA_3, width: 4096, blocks: 32, feedForward: 14_336, heads: 32, headSize: 128 },
} as const satisfies Record<string, ModelShape>;

/** `Q4_K_M`: Q4_K with Q6_K for the output, and for values and down projections of half of the blocks, as llama.cpp mixes. */
export type Mix = 'Q4_K_M' | 'Q8_0';

/** General file types of llama.cpp's `enum llama_ftype`. */
const FILE_TYPES: Readonly<Record<Mix, number>> = { Q4_K_M: 15, Q8_0: 7 };

/** Sets the scales of a block of random bytes, so that its values vary by about 0.02 around 0. */
const SET_SCALES = new Map<BlockType, (block: Uint8Array) => void>([
  [
    Q4_K,
    (block) => {
      writeF16(block, 0, 2 ** -13);
      writeF16(block, 2, 7.5 * 2 ** -13);
    },
  ],
  [Q6_K, (block) => writeF16(block, 208, 2 ** -16)],
  [Q8_0, (block) => writeF16(block, 0, 2 ** -12)],
]);
/** Blocks generated per type. All tensors of a type repeat them, each starting at another block. */
const POOL_BLOCKS = 1 << 14;
/** Blocks between the first ones of two tensors: odd, so that all are reached. */
const POOL_STEP = 997;
const NORMAL_TOKEN = 1;
const UNUSED_TOKEN = 5;

/**
 * Writes a GGUF file; a file that could not be written completely is removed.
 * @param vocabulary a model whose tokenizer it gets, extended by unused tokens
 * @param seed of the weights, 0..2^32-1
 */
export async function writeRandomModel(
  path: string,
  shape: ModelShape,
  mix: Mix,
  vocabulary: GgufFile,
  seed = 1,
): Promise<void> {
  const tensors = tensorsOf(shape, mix);
  const plan = planOf(tensors);
  const metadata = new Map([...describe(shape, mix), ...(await tokenizerOf(vocabulary, shape.vocabularySize))]);
  const { header, offsets } = layOutGguf(metadata, plan);
  const pools = new Map<BlockType, Uint8Array>();
  await writeCompletely(path, async (file) => {
    await file.write(header, 0, header.length, 0);
    for (const [i, { type }] of tensors.entries()) {
      const { bytes } = plan[i];
      if (type === F32) {
        await file.write(new Float32Array(bytes / 4).fill(1), 0, bytes, offsets[i]);
        continue;
      }
      const pool = pools.get(type) ?? randomBlocks(type, new Mt19937(seed + type.id));
      pools.set(type, pool);
      await repeat(file, pool, ((i * POOL_STEP) % POOL_BLOCKS) * type.blockBytes, offsets[i], bytes);
    }
  });
}

/** Bytes of the weights in the file. */
export function randomModelBytes(shape: ModelShape, mix: Mix): number {
  return planOf(tensorsOf(shape, mix)).reduce((sum, { bytes }) => sum + bytes, 0);
}

interface PlannedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: BlockType;
}

function tensorsOf(model: ModelShape, mix: Mix): PlannedTensor[] {
  const { width, blocks, feedForward, heads, keyValueHeads, headSize, vocabularySize } = model;
  const [small, large] = mix === 'Q8_0' ? [Q8_0, Q8_0] : [Q4_K, Q6_K];
  const norm = (name: string): PlannedTensor => ({ name: `${name}.weight`, shape: [width], type: F32 });
  const matrix = (name: string, rows: number, columns: number, type: BlockType): PlannedTensor => {
    return { name: `${name}.weight`, shape: [rows, columns], type };
  };
  const layers = Array.from({ length: blocks }, (_, i): PlannedTensor[] => {
    const careful = isCareful(i, blocks) ? large : small;
    const name = (part: string) => `blk.${i}.${part}`;
    return [
      norm(name('attn_norm')),
      matrix(name('attn_q'), heads * headSize, width, small),
      matrix(name('attn_k'), keyValueHeads * headSize, width, small),
      matrix(name('attn_v'), keyValueHeads * headSize, width, careful),
      matrix(name('attn_output'), width, heads * headSize, small),
      norm(name('ffn_norm')),
      matrix(name('ffn_gate'), feedForward, width, small),
      matrix(name('ffn_up'), feedForward, width, small),
      matrix(name('ffn_down'), width, feedForward, careful),
    ];
  });
  return [matrix('token_embd', vocabularySize, width, large), ...layers.flat(), norm('output_norm')];
}

function planOf(tensors: readonly PlannedTensor[]): TensorPlan[] {
  return tensors.map(({ name, shape, type }) => {
    const rows = shape.length === 1 ? 1 : shape[0];
    return { name, shape, typeId: type.id, bytes: rows * rowBytes(type, shape.at(-1) ?? 0) };
  });
}

/** Whether a block's sensitive matrices get more bits: `use_more_bits` of llama.cpp's `llama-quant.cpp`. */
function isCareful(block: number, blocks: number): boolean {
  const eighth = Math.floor(blocks / 8);
  return block < eighth || block >= Math.floor((7 * blocks) / 8) || (block - eighth) % 3 === 2;
}

function describe(shape: ModelShape, mix: Mix): [string, TypedValue][] {
  const integers = {
    'general.file_type': FILE_TYPES[mix],
    'llama.context_length': shape.contextSize,
    'llama.embedding_length': shape.width,
    'llama.block_count': shape.blocks,
    'llama.feed_forward_length': shape.feedForward,
    'llama.attention.head_count': shape.heads,
    'llama.attention.head_count_kv': shape.keyValueHeads,
    'llama.attention.key_length': shape.headSize,
    'llama.attention.value_length': shape.headSize,
    'llama.rope.dimension_count': shape.headSize,
    'llama.vocab_size': shape.vocabularySize,
  };
  return [
    ['general.architecture', { type: 'string', value: 'llama' }],
    ['general.name', { type: 'string', value: `Random weights, ${mix}` }],
    ...Object.entries(integers).map(([key, value]): [string, TypedValue] => [key, { type: 'uint32', value }]),
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.rope.freq_base', { type: 'float32', value: 500_000 }],
  ];
}

async function tokenizerOf(file: GgufFile, size: number): Promise<[string, TypedValue][]> {
  const values: [string, TypedValue][] = [];
  for (const [key, { offset, bytes }] of file.metadataRanges) {
    if (!key.startsWith('tokenizer.')) continue;
    values.push([key, { type: 'raw', value: await readExactly(file.source, offset, bytes) }]);
  }
  const tokens = file.metadata.get('tokenizer.ggml.tokens');
  const types = file.metadata.get('tokenizer.ggml.token_type');
  if (!(tokens instanceof StringArray) || tokens.length > size) throw new Error(`${file.source.name} does not fit.`);
  const all = Array.from({ length: size }, (_, i) => (i < tokens.length ? tokens.get(i) : `<unused ${i}>`));
  const kinds = Int32Array.from({ length: size }, (_, i) => {
    if (i >= tokens.length) return UNUSED_TOKEN;
    return types instanceof Int32Array ? types[i] : NORMAL_TOKEN;
  });
  values.push(['tokenizer.ggml.tokens', { type: 'array', value: all }]);
  values.push(['tokenizer.ggml.token_type', { type: 'array', value: kinds }]);
  return values;
}

function randomBlocks(type: BlockType, random: Mt19937): Uint8Array {
  const words = Uint32Array.from({ length: Math.ceil((POOL_BLOCKS * type.blockBytes) / 4) }, () => random.nextUint32());
  const bytes = new Uint8Array(words.buffer, 0, POOL_BLOCKS * type.blockBytes);
  const setScales = SET_SCALES.get(type);
  for (let at = 0; at < bytes.length; at += type.blockBytes) setScales?.(bytes.subarray(at, at + type.blockBytes));
  return bytes;
}

/** Writes `bytes` bytes at `to`: the pool from `start` on, again and again. */
async function repeat(file: FileHandle, pool: Uint8Array, start: number, to: number, bytes: number): Promise<void> {
  for (let done = 0, from = start; done < bytes; from = 0) {
    const count = Math.min(pool.length - from, bytes - done);
    await file.write(pool, from, count, to + done);
    done += count;
  }
}
