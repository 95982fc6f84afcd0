import { expect, it } from 'vitest';
import { BUILT_IN, referenceModel } from '../test-support/inside-models.ts';
import { tokensOf } from './tokens-view.ts';

it('has the bytes that each token adds to the text', async () => {
  const { model } = await referenceModel(BUILT_IN);
  const { text, tokens } = tokensOf({ model, ids: model.tokenizer.encode('The dog ran. It') });
  expect(text).toBe('The dog ran. It');
  expect(tokens.map(({ special, bytes }) => [special, String.fromCharCode(...bytes)])).toEqual([
    [true, ''],
    [false, 'The'],
    [false, ' dog'],
    [false, ' ran'],
    [false, '.'],
    [false, ' It'],
  ]);
});

it.each([
  [BUILT_IN, 'Hello world'],
  ['llama', ' Hello world'],
  // Its vocabulary adds a space.
  ['llama-spm', 'Hello world'],
  ['llama-spm', ' Hello world'],
])('%s: the bytes of all tokens are those of “%s”', async (name, expected) => {
  const { model } = await referenceModel(name);
  const { text, tokens } = tokensOf({ model, ids: model.tokenizer.encode(expected) });
  expect(text).toBe(expected);
  expect(String.fromCharCode(...tokens.flatMap(({ bytes }) => bytes))).toBe(expected);
});

it('has no text if all tokens are special', async () => {
  const { model } = await referenceModel(BUILT_IN);
  expect(tokensOf({ model, ids: model.tokenizer.encode('') })).toMatchObject({ text: '', tokens: [{ bytes: [] }] });
});
