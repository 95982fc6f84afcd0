import { expect } from 'vitest';

/** A fast `toEqual` for many numbers, which compares their bits at once. */
export function expectSameBits<T extends NodeJS.TypedArray>(found: T, expected: T): void {
  const [a, b] = [found, expected].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  if (a.equals(b)) expect(found.constructor).toBe(expected.constructor);
  else expect(found).toEqual(expected);
}
