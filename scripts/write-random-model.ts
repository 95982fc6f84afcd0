/**
 * Writes a GGUF file with the shape of a real model and random weights, for tests and benchmarks that need the size of a
 * model and not its answers. Types are mixed as in Q4_K_M.
 *
 *     node --import tsx scripts/write-random-model.ts 8B model.gguf
 */
import { open } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { layOutGguf, type TensorPlan, type TypedValue } from '../src-main/engine/formats/gguf/writer.ts';
import { type BlockType, rowBytes } from '../src-main/engine/quant/block-type.ts';
import { F32 } from '../src-main/engine/quant/f32.ts';
import { Q4_K } from '../src-main/engine/quant/q4_k.ts';
import { Q6_K } from '../src-main/engine/quant/q6_k.ts';
import { NumpyNormal } from '../src-main/engine/test-support/numpy-normal.ts';

interface Shape {
  readonly layers: number;
  readonly width: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly vocabulary: number;
}

/** Llama 3.1 8B. */
const SHAPES: Readonly<Record<string, Shape>> = {
  '8B': { layers: 32, width: 4096, feedForward: 14336, heads: 32, kvHeads: 8, vocabulary: 128256 },
};

/** Standard deviation of the weights, so that activations keep their size. */
const DEVIATION = 0.02;
/** Random values per type. Tensors repeat them from different places, as generating billions would take minutes. */
const VALUES = 2 ** 20;

interface Tensor {
  readonly plan: TensorPlan;
  readonly type: BlockType;
}

/** Bytes of the file. */
export function randomModelBytes(name: string): number {
  return layOut(name).fileBytes;
}

/** @param name one of the shapes above */
export async function writeRandomModel(name: string, path: string, seed = 1): Promise<void> {
  const { header, offsets, tensors } = layOut(name);
  const normal = new NumpyNormal(seed);
  const values = Float32Array.from({ length: VALUES }, () => DEVIATION * normal.next());
  const stored = new Map([Q4_K, Q6_K].map((type) => [type, quantized(type, values)]));
  const file = await open(path, 'w');
  try {
    await file.write(header, 0, header.length, 0);
    for (const [index, { plan, type }] of tensors.entries()) {
      const blocks = stored.get(type);
      const bytes = blocks ? repeated(blocks, plan.bytes, type.blockBytes * (7 * index)) : ones(plan.shape[0]);
      await file.write(bytes, 0, bytes.length, offsets[index]);
    }
  } finally {
    await file.close();
  }
}

function layOut(name: string) {
  if (!Object.hasOwn(SHAPES, name))
    throw new Error(`Unknown shape ${name}. Choose one of ${Object.keys(SHAPES).join(', ')}.`);
  const shape = SHAPES[name];
  const tensors = tensorsOf(shape);
  const plans = tensors.map(({ plan }) => plan);
  return { ...layOutGguf(metadataOf(name, shape), plans), tensors };
}

function metadataOf(name: string, shape: Shape): Map<string, TypedValue> {
  const number = (value: number): TypedValue => ({ type: 'uint32', value });
  const text = (value: string): TypedValue => ({ type: 'string', value });
  return new Map<string, TypedValue>([
    ['general.architecture', text('llama')],
    ['general.name', text(`Random ${name}`)],
    ['llama.block_count', number(shape.layers)],
    ['llama.context_length', number(8192)],
    ['llama.embedding_length', number(shape.width)],
    ['llama.feed_forward_length', number(shape.feedForward)],
    ['llama.attention.head_count', number(shape.heads)],
    ['llama.attention.head_count_kv', number(shape.kvHeads)],
    ['llama.attention.layer_norm_rms_epsilon', { type: 'float32', value: 1e-5 }],
    ['llama.rope.freq_base', { type: 'float32', value: 500_000 }],
    ['llama.vocab_size', number(shape.vocabulary)],
    ['tokenizer.ggml.model', text('none')],
  ]);
}

function tensorsOf({ layers, width, feedForward, heads, kvHeads, vocabulary }: Shape): Tensor[] {
  const kvWidth = (width / heads) * kvHeads;
  const matrix = (name: string, rows: number, columns: number, type: BlockType = Q4_K): Tensor => {
    const plan = {
      name: `${name}.weight`,
      shape: [rows, columns],
      typeId: type.id,
      bytes: rows * rowBytes(type, columns),
    };
    return { plan, type };
  };
  const norm = (name: string): Tensor => {
    return { plan: { name: `${name}.weight`, shape: [width], typeId: F32.id, bytes: 4 * width }, type: F32 };
  };
  const layer = (index: number): Tensor[] => {
    // llama.cpp's Q4_K_M: the first and last eighth of the layers, and every third of the others, have more bits.
    const isFine = index < layers / 8 || index >= (7 * layers) / 8 || (index - Math.floor(layers / 8)) % 3 === 2;
    const fine = isFine ? Q6_K : Q4_K;
    const block = `blk.${index}`;
    return [
      norm(`${block}.attn_norm`),
      matrix(`${block}.attn_q`, width, width),
      matrix(`${block}.attn_k`, kvWidth, width),
      matrix(`${block}.attn_v`, kvWidth, width, fine),
      matrix(`${block}.attn_output`, width, width),
      norm(`${block}.ffn_norm`),
      matrix(`${block}.ffn_gate`, feedForward, width),
      matrix(`${block}.ffn_up`, feedForward, width),
      matrix(`${block}.ffn_down`, width, feedForward, fine),
    ];
  };
  return [
    matrix('token_embd', vocabulary, width),
    ...Array.from({ length: layers }, (_, index) => layer(index)).flat(),
    norm('output_norm'),
    matrix('output', vocabulary, width, Q6_K),
  ];
}

function quantized(type: BlockType, values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(rowBytes(type, values.length));
  type.quantize?.(values, 0, bytes, 0, values.length / type.blockSize);
  return bytes;
}

/** `length` bytes of the blocks over and over, the first time from byte `from`. */
function repeated(blocks: Uint8Array, length: number, from: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let start = from % blocks.length;
  for (let at = 0; at < length;) {
    const part = blocks.subarray(start, Math.min(blocks.length, start + length - at));
    bytes.set(part, at);
    at += part.length;
    start = 0;
  }
  return bytes;
}

function ones(length: number): Uint8Array {
  return new Uint8Array(new Float32Array(length).fill(1).buffer);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [name = '', path = ''] = process.argv.slice(2);
  if (path === '')
    throw new Error('Name a shape and a file: node --import tsx scripts/write-random-model.ts 8B model.gguf');
  await writeRandomModel(name, path);
}
