import { expect, it } from 'vitest';
import { bytesText, grouped } from './numbers.ts';

it('formats counts and sizes for people', () => {
  expect([12, 689_952].map(grouped)).toEqual(['12', '689,952']);
  expect([999, 67_108_864, 4_368_439_584, 1e15].map(bytesText)).toEqual([
    '999\u00a0bytes',
    '67.1\u00a0MB',
    '4.4\u00a0GB',
    '1000.0\u00a0TB',
  ]);
});
