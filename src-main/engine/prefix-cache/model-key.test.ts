import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ByteSource, ModelFiles } from '../api/platform.ts';
import type { Executor } from '../executors/executor.ts';
import type { Program } from '../program/program.ts';
import { modelKey } from './model-key.ts';

const SAMPLE_BYTES = 65_536;

/** A file of `size` bytes that records where it is read. */
function fileOf(size: number) {
  const read = { offsets: [] as number[], atOnce: 0 };
  let running = 0;
  const source: ByteSource = {
    name: 'file',
    size,
    async read(offset, length) {
      read.offsets.push(offset);
      read.atOnce = Math.max(read.atOnce, ++running);
      await Promise.resolve();
      running--;
      return new Uint8Array(length).fill(offset % 251);
    },
  };
  const files: ModelFiles = { id: 'm', names: ['file'], open: () => Promise.resolve(source) };
  return { files, read };
}

const store = {
  machine: 'a processor',
  sha256: (bytes: Uint8Array) => Promise.resolve(new Uint8Array(createHash('sha256').update(bytes).digest())),
};
const program = { ops: [], kvWidths: [] } as unknown as Program;
const executor = { name: 'reference', kernels: null } as unknown as Executor;

it('samples a large file at eight positions at once, and a small one as a whole', async () => {
  const large = fileOf(1_000_000);
  const key = await modelKey(store, large.files, ['file'], program, executor);
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(large.read.offsets).toHaveLength(8);
  expect([large.read.offsets[0], large.read.offsets.at(-1)]).toEqual([0, 1_000_000 - SAMPLE_BYTES]);
  expect(large.read.atOnce).toBe(8);

  const small = fileOf(SAMPLE_BYTES);
  expect(await modelKey(store, small.files, ['file'], program, executor)).not.toBe(key);
  expect(small.read.offsets).toEqual([0]);
});
