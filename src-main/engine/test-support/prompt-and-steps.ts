import { batchOf } from '../executors/batch.ts';
import type { Executor } from '../executors/executor.ts';
import { KvCache } from '../kv-cache/kv-cache.ts';

/** Numbers of tokens. */
export interface RunShape {
  readonly prompt: number;
  /** Tokens after the prompt, one by one. */
  readonly steps: number;
  readonly context: number;
  readonly vocabulary: number;
}

/** Logits of two rows of a prompt and of single tokens after it. */
export async function promptAndSteps(executor: Executor, shape: RunShape): Promise<Float32Array[]> {
  const { prompt: length, steps, context, vocabulary } = shape;
  const cache = new KvCache(context);
  const id = (i: number) => (i * 37 + 11) % vocabulary;
  const ids = Array.from({ length }, (_, i) => id(i));
  const prompt = await executor.run(batchOf([cache.append(0, ids)]), { logits: [3, length - 1] });
  const found = await Promise.all(prompt.logits.map((handle) => handle.read()));
  for (let step = 0; step < steps; step++) {
    const { logits } = await executor.run(batchOf([cache.append(0, [id(length + step)])]), { logits: [0] });
    found.push(await logits[0].read());
  }
  return found;
}

export function equalBits(a: readonly Float32Array[], b: readonly Float32Array[]): boolean {
  return a.length === b.length && a.every((row, i) => bytesOf(row).equals(bytesOf(b[i])));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
