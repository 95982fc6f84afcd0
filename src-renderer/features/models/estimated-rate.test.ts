import { expect, it } from 'vitest';
import type { MeasuredRate } from '../../../src-main/protocol/app/app-services.ts';
import { estimateRate } from './estimated-rate.ts';

function listing(name: string, fileBytes: number, rate: number | null, at: string) {
  const measured: MeasuredRate = {
    executor: 'wasm',
    threads: 4,
    prefillTokensPerSecond: null,
    decodeTokensPerSecond: rate,
    at,
  };
  return { name, fileBytes, measured: [measured] };
}

it('is in proportion to the weights of the large model that was measured last', () => {
  const listings = [
    listing('Old', 100e6, 10, '2026-01-01T00:00:00Z'),
    listing('New', 100e6, 60, '2026-01-02T00:00:00Z'),
    listing('Without a rate', 100e6, null, '2026-01-03T00:00:00Z'),
    listing('Small', 10e6, 900, '2026-01-04T00:00:00Z'),
  ];
  expect(estimateRate(300e6, listings)).toEqual({ tokensPerSecond: 20, measured: 'New' });
});

it('is unknown for a small model, and where no large one was measured', () => {
  expect(estimateRate(20e6, [listing('Large', 100e6, 60, '2026-01-01T00:00:00Z')])).toBeNull();
  expect(estimateRate(300e6, [listing('Small', 10e6, 900, '2026-01-01T00:00:00Z')])).toBeNull();
  expect(estimateRate(300e6, [])).toBeNull();
});
