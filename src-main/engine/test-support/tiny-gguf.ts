/**
 * Tiny GGUF models of every architecture with random weights, and llama.cpp's results for them. Files with reproducible
 * weights are generated from their header; the others are stored.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type GgufTensor, readGguf } from '../formats/gguf/gguf-file.ts';
import type { ModelFiles } from '../api/platform.ts';
import { BF16 } from '../quant/bf16.ts';
import { F32 } from '../quant/f32.ts';
import { blockTypeById } from '../quant/registry.ts';
import { memoryModelFiles, memorySource } from './model-files.ts';
import { NumpyNormal } from './numpy-normal.ts';

const DIR = new URL('../fixtures/tiny-models/', import.meta.url);

/** Logits and probabilities of llama.cpp with float32 everywhere. */
export interface GoldenRun {
  /** The context size of the run. */
  n_ctx: number;
  full_logits: { positions: number[]; values: number[][] };
  /** After each token of the prompt: `[id, natural log of the probability]`, best first. */
  per_position: { argmax: number; top5: [number, number][] }[];
  greedy: { id: number; top5: [number, number][] }[];
}

export interface TinyGolden extends GoldenRun {
  file: string;
  arch: string;
  sha256: string;
  bytes: number;
  prompt: number[];
  /** The same for a context beyond the pre-training's. */
  long_context?: GoldenRun;
  special_tokens: { bos: number; eog: number[]; add_bos: boolean };
  tokenize: { text: string; add_special: boolean; parse_special: boolean; ids: number[]; detokenized: string }[];
  seed: number;
  /** In the order of generation: standard normal * std + mean, or the values themselves. */
  weights: ({ name: string; std: number; mean: number } | { name: string; values: number[] })[];
}

export interface QuantizedGolden {
  file: string;
  sha256: string;
  bytes: number;
  prompt: number[];
  /** With the weights dequantised first and float32 activations. */
  dequantized: GoldenRun;
}

/** Names of the files with float32 weights. */
export const TINY_MODELS: readonly string[] = names((name) => !/\.[A-Z]/.test(name));
/** Names of the quantised ones, all made from `llama-d256`. */
export const QUANTIZED_MODELS: readonly string[] = names((name) => /\.[A-Z]/.test(name));

export function readTinyGolden(name: string): TinyGolden {
  return readJson<TinyGolden>(`${name}.golden.json.gz`);
}

export function readQuantizedGolden(name: string): QuantizedGolden {
  return readJson<QuantizedGolden>(`${name}.golden.json.gz`);
}

/** Logits of the models with exact GELU instead of ggml's table of f16 values. */
export function readExactGelu(): Record<string, Pick<GoldenRun, 'full_logits'>> {
  return readJson<{ models: Record<string, Pick<GoldenRun, 'full_logits'>> }>('ref-exact-gelu.json.gz').models;
}

/** The bytes of a file, the same that llama.cpp read. */
export async function tinyGguf(name: string): Promise<Uint8Array> {
  let file = made.get(name);
  if (file === undefined) made.set(name, (file = make(name)));
  // A copy, because tests may change it.
  return (await file).slice();
}

/** Cached for all test files of a process, most of which use the same models. */
const made = new Map<string, Promise<Uint8Array>>();

async function make(name: string): Promise<Uint8Array> {
  if (existsSync(new URL(`${name}.gguf.gz`, DIR))) return new Uint8Array(unpack(`${name}.gguf.gz`));
  const { sha256, bytes } = readJson<{ sha256: string; bytes: number }>(`${name}.golden.json.gz`);
  const file = new Uint8Array(bytes);
  file.set(unpack(`${name}.header.gz`));
  const { tensors } = await readGguf(memorySource(name, file));
  for (const [tensor, values] of weightsOf(name.split('.')[0], tensors)) write(values, tensors.get(tensor)!, file);
  const found = createHash('sha256').update(file).digest('hex');
  if (found !== sha256) throw new Error(`${name} was made with the SHA-256 ${found} instead of ${sha256}.`);
  return file;
}

/** A model that is one file. */
export async function tinyGgufFiles(name: string): Promise<ModelFiles> {
  return memoryModelFiles(name, { [`${name}.gguf`]: await tinyGguf(name) });
}

/** Cached by model for all types, because generating them takes most of the time. */
function weightsOf(name: string, tensors: ReadonlyMap<string, GgufTensor>): ReadonlyMap<string, Float32Array> {
  const weights = drawn.get(name) ?? drawWeights(readTinyGolden(name), tensors);
  drawn.set(name, weights);
  return weights;
}
const drawn = new Map<string, ReadonlyMap<string, Float32Array>>();

function drawWeights(golden: TinyGolden, tensors: ReadonlyMap<string, GgufTensor>): Map<string, Float32Array> {
  const random = new NumpyNormal(golden.seed);
  return new Map(
    golden.weights.map((recipe) => {
      if ('values' in recipe) return [recipe.name, Float32Array.from(recipe.values)];
      const draw = () => random.next() * recipe.std + recipe.mean;
      return [recipe.name, Float32Array.from({ length: tensors.get(recipe.name)!.elements }, draw)];
    }),
  );
}

function write(values: Float32Array, { name, typeId, offset }: GgufTensor, file: Uint8Array): void {
  const type = blockTypeById(typeId);
  if (type === BF16) {
    // The upper half of each float32, rounded to nearest even.
    const words = new Uint32Array(values.buffer);
    file.set(
      new Uint8Array(Uint16Array.from(words, (word) => (word + 0x7fff + ((word >>> 16) & 1)) >>> 16).buffer),
      offset,
    );
  } else if (type === F32) {
    file.set(new Uint8Array(values.buffer), offset);
  } else if (type?.quantize) {
    type.quantize(values, 0, file, offset, values.length / type.blockSize);
  } else {
    throw new Error(`${name} cannot be made: type ${typeId} has no quantiser.`);
  }
}

function names(wanted: (name: string) => boolean): string[] {
  return readdirSync(DIR)
    .filter((file) => file.endsWith('.golden.json.gz'))
    .map((file) => file.replace('.golden.json.gz', ''))
    .filter(wanted)
    .sort();
}

function readJson<T>(file: string): T {
  return JSON.parse(unpack(file).toString()) as T;
}

function unpack(file: string): Buffer {
  return gunzipSync(readFileSync(new URL(file, DIR)));
}
