import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newSha256, sha256OfText } from './sha256.ts';

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 37 + (i >> 3)) & 255);

describe('SHA-256', () => {
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 70_001])(
    'of %i bytes is the one that Node computes',
    (length) => {
      const bytes = bytesOf(length);
      const hash = newSha256();
      hash.update(bytes);
      expect(hash.digest()).toBe(createHash('sha256').update(bytes).digest('hex'));
    },
  );

  it('does not depend on the pieces', () => {
    const bytes = bytesOf(1000);
    for (const piece of [1, 7, 63, 64, 65, 500]) {
      const hash = newSha256();
      for (let at = 0; at < bytes.length; at += piece) hash.update(bytes.subarray(at, at + piece));
      expect(hash.digest()).toBe(createHash('sha256').update(bytes).digest('hex'));
    }
  });

  it('of a text is that of its UTF-8 bytes', () => {
    expect(sha256OfText('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256OfText('é🙂')).toBe(createHash('sha256').update('é🙂').digest('hex'));
  });
});
