import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ModelFiles } from '../../engine/api/platform.ts';
import { memoryModelFiles } from '../../engine/test-support/model-files.ts';
import { newSha256 } from '../sha256.ts';
import { ModelHashes } from './model-hashes.ts';

const BYTES = {
  'a.json': Uint8Array.of(1, 2, 3),
  'b.bin': new Uint8Array(3 * 1024 * 1024 + 5).fill(7),
  'README.md': Uint8Array.of(0),
};
const cancel = { cancelled: false };
const loaded = { model: { id: 'm' }, files: { names: ['a.json', 'b.bin'], stamp: 'first' } };
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('hashes of the loaded model', () => {
  let stamp = 'first';
  let opened: string[] = [];
  let hashes: ModelHashes;
  beforeEach(() => {
    stamp = 'first';
    opened = [];
    const files = memoryModelFiles('m', BYTES);
    const open: ModelFiles['open'] = (name) => {
      opened.push(name);
      return files.open(name);
    };
    hashes = new ModelHashes(() => Promise.resolve({ ...files, stamp, open }), newSha256);
  });

  it('are of the files that it was read from, and read once', async () => {
    const expected = loaded.files.names.map((name) => {
      const bytes = BYTES[name as keyof typeof BYTES];
      return { name, bytes: bytes.length, sha256: sha256(bytes) };
    });
    expect(await hashes.of(loaded, cancel)).toEqual(expected);
    expect(await hashes.of(loaded, cancel)).toEqual(expected);
    expect(opened).toEqual(['a.json', 'b.bin']);
  });

  it('are refused for files that have changed since', async () => {
    stamp = 'second';
    await expect(hashes.of(loaded, cancel)).rejects.toMatchObject({ code: 'MODEL_IO' });
    await expect(hashes.of({ model: null, files: null }, cancel)).rejects.toMatchObject({ code: 'NO_MODEL' });
  });

  it('are read again after a cancel', async () => {
    await expect(hashes.of(loaded, { cancelled: true })).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await hashes.of(loaded, cancel)).toHaveLength(2);
  });
});
