/** node-llama-cpp, which is native llama.cpp; installed for the benchmark only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { capture, npmCommand, root } from '../../scripts/lib/run.ts';

/** The used parts of node-llama-cpp's API: its own types exist only after bench/ was installed. */
export interface Llama {
  loadModel(options: { modelPath: string; gpuLayers: 0 }): Promise<LlamaModel>;
  dispose(): Promise<void>;
}
export interface LlamaModel {
  readonly size: number;
  readonly trainContextSize: number;
  readonly fileInfo: { metadata: { general: { name?: string } } };
  readonly tokens: { bos: number | null };
  tokenize(text: string): number[];
  createContext(options: object): Promise<LlamaContext>;
  dispose(): Promise<void>;
}
export interface LlamaContext {
  getSequence(): LlamaSequence;
  dispose(): Promise<void>;
}
export interface LlamaSequence {
  /** Tokens in the sequence. */
  readonly nextTokenIndex: number;
  clearHistory(): Promise<void>;
  eraseContextTokenRanges(ranges: { start: number; end: number }[]): Promise<void>;
  evaluateWithoutGeneratingNewTokens(ids: number[]): Promise<void>;
  evaluate(ids: number[], options: { temperature: 0; yieldEogToken: true }): AsyncIterable<number>;
}

const FOLDER = join(root, 'bench');

/** Environment variable: the folder of another copy of node-llama-cpp, see `llamaFolder`. */
export const LLAMA_FOLDER = 'TOKENSCOPE_BENCH_LLAMA';

/** llama.cpp on the CPU, with the number of threads that each context requests. */
export async function startLlama(): Promise<Llama> {
  const copy = process.env[LLAMA_FOLDER];
  const name = copy ? pathToFileURL(join(copy, 'dist', 'index.js')).href : 'node-llama-cpp';
  const library = (await import(name).catch((cause: unknown) => {
    throw new Error('node-llama-cpp is not installed. Run "npm ci --prefix bench --ignore-scripts" first.', { cause });
  })) as { getLlama(options: object): Promise<Llama> };
  return library.getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 0 });
}

/** @throws Error with npm's last lines */
export async function installNodeLlamaCpp(say: (line: string) => void): Promise<void> {
  if (existsSync(join(FOLDER, 'node_modules', 'node-llama-cpp', 'package.json'))) return;
  say('installing node-llama-cpp into bench/node_modules (0.7 GB with its prebuilt programs, once)');
  // Its install script would build llama.cpp; users get the prebuilt one.
  const { command, args } = npmCommand(['ci', '--ignore-scripts']);
  const { code, stderr } = await capture(command, args, { cwd: FOLDER });
  if (code !== 0) throw new Error(`npm could not install node-llama-cpp:\n${stderr.trim()}`);
}
