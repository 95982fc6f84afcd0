import { expect, test } from 'vitest';
import type { Model } from '../models/model.ts';
import { readPrompt } from './prompt.ts';

test.each([
  [true, 'The prompt has no tokens, and this model adds no BOS token. Add some text.'],
  [false, 'The prompt has no tokens, and addBos is off. Add some text.'],
])('says why an empty text is no prompt, with addBos %s', (addBos, message) => {
  const model = { tokenizer: { encode: () => [] }, config: { contextSize: 10 } } as unknown as Model;
  expect(() => readPrompt({ kind: 'text', text: '', addBos }, model, 1)).toThrow(message);
});
