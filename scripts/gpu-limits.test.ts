import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'oxfmt';
import { expect, test } from 'vitest';
import { gpuLimits, tokenCosts } from '../bench/lib/gpu-limits.ts';
import { root } from './lib/run.ts';

/** Per layer of Llama, and beside the layers: embedding, logits, selection of the best. */
const DISPATCHES = { perLayer: 6, others: 3 };
const MOST_BYTES_READ = 4096;

test('a token of large models takes six dispatches per layer, and reads little back', async () => {
  for (const { model, layers, dispatches, bytesReadBack } of await tokenCosts()) {
    expect([model, dispatches]).toEqual([model, DISPATCHES.perLayer * layers + DISPATCHES.others]);
    expect(bytesReadBack).toBeLessThanOrEqual(MOST_BYTES_READ);
  }
});

test('docs/gpu.md has the tables that bench/gpu-limits.ts prints', async () => {
  const path = join(root, 'docs', 'gpu.md');
  const { code: tables } = await format(path, await gpuLimits());
  expect(await readFile(path, 'utf8')).toContain(tables.trim());
});
