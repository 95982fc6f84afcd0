import { expect, it } from 'vitest';
import { prefillText } from './prefill-text.ts';

it.each([
  [null, 'processing the prompt'],
  [{ done: 640, total: 1081, leftMs: 3200 }, 'processing the prompt: 640 of 1,081, 4\u00a0s left'],
  [{ done: 1024, total: 1081, leftMs: 12 }, 'processing the prompt: 1,024 of 1,081, 1\u00a0s left'],
  [{ done: 256, total: 100_000, leftMs: 300_000 }, 'processing the prompt: 256 of 100,000, 5\u00a0min left'],
])('%j: %s', (prefill, text) => expect(prefillText(prefill)).toBe(text));
