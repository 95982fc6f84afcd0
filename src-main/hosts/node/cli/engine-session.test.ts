import { expect, test } from 'vitest';
import { whyUnloadable } from './engine-session.ts';

const NEEDED = 6e9;
const MODEL = {
  contextSize: 1024,
  memory: [{ contextSize: 1024, weights: NEEDED, kvCache: 0, scratch: 0, total: NEEDED }],
  problem: null,
};

test('a model that does not fit in memory is refused, unless its memory is that of a GPU', () => {
  for (const executor of [undefined, 'wasm', 'reference'] as const) {
    expect(whyUnloadable(MODEL, executor, NEEDED - 1)).toMatchObject({
      code: 'OUT_OF_MEMORY',
      details: { needed: NEEDED, available: NEEDED - 1 },
    });
    expect(whyUnloadable(MODEL, executor, NEEDED)).toBeNull();
  }
  expect(whyUnloadable(MODEL, 'webgpu', 1e9)).toBeNull();
});

test('a model that cannot be loaded is refused on every executor', () => {
  const problem = { code: 'UNSUPPORTED_TENSOR_TYPE', message: 'IQ1_S', details: {} } as const;
  for (const executor of ['wasm', 'webgpu'] as const) {
    expect(whyUnloadable({ ...MODEL, problem }, executor, 2 * NEEDED)).toMatchObject({ message: 'IQ1_S' });
  }
});
