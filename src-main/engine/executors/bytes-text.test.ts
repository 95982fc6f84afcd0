import { expect, it } from 'vitest';
import { bytesText } from './bytes-text.ts';

it('formats sizes in gigabytes, smaller ones in megabytes', () => {
  expect([4_294_901_760, 98_000_000].map(bytesText)).toEqual(['4.29\u00a0GB', '98.0\u00a0MB']);
});
