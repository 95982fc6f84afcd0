import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ModelFiles } from '../../engine/api/platform.ts';
import type { OpenedFiles } from '../../engine/index.ts';
import { memoryModelFiles } from '../../engine/test-support/model-files.ts';
import { newSha256 } from '../sha256.ts';
import { ModelHashes } from './model-hashes.ts';

const BYTES = {
  'a.json': Uint8Array.of(1, 2, 3),
  'b.bin': new Uint8Array(3 * 1024 * 1024 + 5).fill(7),
  'README.md': Uint8Array.of(0),
};
const cancel = { cancelled: false };
const FILES: OpenedFiles = { names: ['a.json', 'b.bin'], stamp: 'first' };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('hashes of the loaded model', () => {
  let stamp = 'first';
  let opened: string[] = [];
  let hashes: ModelHashes;
  let engine: { busy: boolean; model: { id: string } | null; files: OpenedFiles | null };
  beforeEach(() => {
    stamp = 'first';
    opened = [];
    engine = { busy: false, model: { id: 'm' }, files: FILES };
    const files = memoryModelFiles('m', BYTES);
    const open: ModelFiles['open'] = (name) => {
      opened.push(name);
      return files.open(name);
    };
    hashes = new ModelHashes(() => Promise.resolve({ ...files, stamp, open }), newSha256);
  });

  it('cover the opened files, which are read once', async () => {
    const expected = FILES.names.map((name) => {
      const bytes = BYTES[name as keyof typeof BYTES];
      return { name, bytes: bytes.length, sha256: sha256(bytes) };
    });
    expect(await hashes.of(engine, cancel)).toEqual(expected);
    expect(await hashes.of(engine, cancel)).toEqual(expected);
    expect(opened).toEqual(['a.json', 'b.bin']);
  });

  it('are refused if the files changed after they were loaded', async () => {
    stamp = 'second';
    await expect(hashes.of(engine, cancel)).rejects.toMatchObject({ code: 'MODEL_IO' });
    engine = { busy: false, model: null, files: null };
    await expect(hashes.of(engine, cancel)).rejects.toMatchObject({ code: 'NO_MODEL' });
  });

  it('are computed by the next call after a cancelled one', async () => {
    await expect(hashes.of(engine, { cancelled: true })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await hashes.of(engine, cancel)).toHaveLength(2);
  });

  it('wait while the engine is busy', async () => {
    engine.busy = true;
    let isDone = false;
    const pending = hashes.of(engine, cancel).then((found) => {
      isDone = true;
      return found;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(isDone).toBe(false);
    engine.busy = false;
    expect(await pending).toHaveLength(2);
  });

  it('end with an error if the model is unloaded meanwhile', async () => {
    engine.busy = true;
    const pending = hashes.of(engine, cancel);
    engine.files = null;
    engine.busy = false;
    await expect(pending).rejects.toMatchObject({ code: 'NO_MODEL' });
  });
});
