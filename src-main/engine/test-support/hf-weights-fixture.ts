import { createHash } from 'node:crypto';
import { F16 } from '../quant/f16.ts';
import { NumpyNormal } from './numpy-normal.ts';
import { safetensorsBytes } from './safetensors.ts';

/** How the weights of a fixture were generated: `weights.json`. */
export interface WeightsRecipe {
  seed: number;
  dtype: 'F32' | 'F16' | 'BF16';
  /** In the order of generation: standard normal * std + mean (default 0), as float32, minus `minus`. */
  tensors: { name: string; shape: number[]; std: number; mean?: number; minus?: number }[];
  /** Causal masks, `[1, 1, n, n]`. */
  masks?: Record<string, number[]>;
  /** Tensors in file order. */
  files: Record<string, { sha256: string; tensors: string[] }>;
}

/** The safetensors files of a recipe, the same bytes as written by transformers. */
export function safetensorsOf(recipe: WeightsRecipe): Record<string, Uint8Array> {
  const random = new NumpyNormal(recipe.seed);
  const tensors = new Map<string, { shape: number[]; bytes: Uint8Array }>();
  for (const { name, shape, std, mean = 0, minus = 0 } of recipe.tensors) {
    const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1));
    for (let i = 0; i < values.length; i++) values[i] = Math.fround(random.next() * std + mean) - minus;
    tensors.set(name, { shape, bytes: store(values, recipe.dtype) });
  }
  for (const [name, shape] of Object.entries(recipe.masks ?? {})) {
    const n = shape[3];
    const mask = Float32Array.from({ length: n * n }, (_, i) => (i % n <= Math.floor(i / n) ? 1 : 0));
    tensors.set(name, { shape, bytes: store(mask, recipe.dtype) });
  }
  const files: Record<string, Uint8Array> = {};
  for (const [file, { sha256, tensors: names }] of Object.entries(recipe.files)) {
    files[file] = fileOf(names, tensors, recipe.dtype);
    const found = createHash('sha256').update(files[file]).digest('hex');
    if (found !== sha256) throw new Error(`${file} was made with the SHA-256 ${found} instead of ${sha256}.`);
  }
  return files;
}

function fileOf(
  names: string[],
  tensors: ReadonlyMap<string, { shape: number[]; bytes: Uint8Array }>,
  dtype: string,
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const name of names) {
    const { shape, bytes } = tensors.get(name)!;
    header[name] = { dtype, shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
  }
  const json = JSON.stringify(header);
  const data = Buffer.concat(names.map((name) => tensors.get(name)!.bytes));
  return safetensorsBytes(json.padEnd(Math.ceil(json.length / 8) * 8), data);
}

/** The stored values, little-endian. */
export function store(values: Float32Array, dtype: WeightsRecipe['dtype']): Uint8Array {
  const bytes = new Uint8Array(values.buffer);
  if (dtype === 'F32') return bytes;
  const half = new Uint8Array(2 * values.length);
  if (dtype === 'F16') F16.quantize!(values, 0, half, 0, values.length);
  else {
    const bits = new Uint32Array(values.buffer);
    // The upper half, rounded to nearest even.
    new Uint16Array(half.buffer).set(bits.map((word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16));
  }
  return half;
}
