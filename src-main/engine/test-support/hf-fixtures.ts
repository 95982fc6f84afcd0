import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { ModelFiles } from '../api/platform.ts';
import { safetensorsOf, type WeightsRecipe } from './hf-weights-fixture.ts';
import { memoryModelFiles } from './model-files.ts';

const DIR = new URL('../fixtures/hf-models/', import.meta.url);

/** Variants of each folder's configuration: transformers 4, transformers 5, defaults omitted. */
export const CONFIG_SPELLINGS = ['config.json', 'config.v5.json', 'config.min.json'] as const;
export type ConfigSpelling = (typeof CONFIG_SPELLINGS)[number];

/** Tiny models with random weights as Hugging Face folders. */
export const HF_FOLDERS: readonly string[] = readdirSync(DIR).filter((name) => !name.includes('.'));

/** The results of transformers for a folder in float32. */
export interface HfGolden {
  prompt: number[];
  full_logits: { positions: number[]; values: number[][] };
  per_position: { argmax: number; top5: [number, number][] }[];
  greedy: { id: number; top5: [number, number][] }[];
  tokenize?: { text: string; add_special: boolean; ids: number[]; decoded: string; decoded_skip_special: string }[];
  chat?: { messages: unknown; add_generation_prompt: boolean; text: string; ids: number[] }[];
}

export function readHfGolden(folder: string): HfGolden {
  return JSON.parse(read(folder, 'golden.json.gz').toString()) as HfGolden;
}

/** Files of a folder by name, with one variant of the configuration. */
export function hfFolderBytes(folder: string, config: ConfigSpelling = 'config.json'): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const name of readdirSync(new URL(`${folder}/`, DIR))) {
    if (/^(?:config|golden|weights)\./.test(name)) continue;
    const bytes = read(folder, name);
    files[name.replace(/\.gz$/, '')] = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return { ...files, ...weights(folder), 'config.json': read(folder, config) };
}

/** Cached, because generating the weights is slow. */
const made = new Map<string, Record<string, Uint8Array>>();

function weights(folder: string): Record<string, Uint8Array> {
  let files = made.get(folder);
  if (!files) {
    files = safetensorsOf(JSON.parse(read(folder, 'weights.json').toString()) as WeightsRecipe);
    made.set(folder, files);
  }
  return files;
}

export function hfFolder(folder: string, config: ConfigSpelling = 'config.json'): ModelFiles {
  return memoryModelFiles(folder, hfFolderBytes(folder, config));
}

/** A folder with other values for some keys of its JSON files. */
export function hfFolderWith(folder: string, changes: Readonly<Record<string, object>>): ModelFiles {
  const files = hfFolderBytes(folder);
  for (const [name, values] of Object.entries(changes)) {
    const json = JSON.parse(new TextDecoder().decode(files[name])) as object;
    files[name] = new TextEncoder().encode(JSON.stringify({ ...json, ...values }));
  }
  return memoryModelFiles(folder, files);
}

function read(folder: string, name: string): Buffer {
  const bytes = readFileSync(new URL(`${folder}/${name}`, DIR));
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}
