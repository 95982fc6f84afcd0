import { expect } from '@playwright/test';

/** Arguments of the command line tool for a benchmark that takes a moment. */
export const SHORT_BENCH = 'bench tiny-transformer --prompt 16 --generate 4 --context 4 --repeat 1 --json'.split(' ');

const rate = (tokens: number) => ({ tokens, tokensPerSecond: expect.any(Number) });

/** What it prints. */
export const SHORT_BENCH_RATES = { prefill: rate(16), decode: [{ context: 4, ...rate(4) }] };
