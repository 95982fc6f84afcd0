import { expect, it } from 'vitest';
import { tokenizerFromJson } from '../tokenizer/from-tokenizer-json.ts';
import { openModel } from '../models/open-model.ts';
import { filesOf } from '../test-support/inside-models.ts';
import { shownMerges, shownPiece } from './shown-piece.ts';

function shownBy(model: object, decoder: object, addedTokens: object[] = []): string[] {
  const tokenizer = tokenizerFromJson({ added_tokens: addedTokens, model, decoder }, 'tokenizer.json');
  return Array.from({ length: tokenizer.vocabularySize }, (_, id) => shownPiece(tokenizer, id));
}

const special = (id: number, content: string) => {
  return { id, content, special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
};
const ids = (...pieces: string[]) => Object.fromEntries(pieces.map((piece, id) => [piece, id]));

it('decodes characters that represent bytes', () => {
  const vocab = ids('Ġfascinating', 'Ċ', 'ĠĠĠĠ', 'ĉ', 'âĤ¬', 'âĤ', 'a', '<|im_end|>');
  expect(shownBy({ type: 'BPE', vocab, merges: [] }, { type: 'ByteLevel' }, [special(7, '<|im_end|>')])).toEqual([
    ' fascinating',
    '\n',
    '    ',
    '\t',
    '€',
    '<0xE2><0x82>',
    'a',
    '<|im_end|>',
  ]);
});

it('keeps such characters if they are letters', () => {
  const vocab = ids('<unk>', '▁Ġgantija', 'Ċ');
  const decoder = { type: 'Replace', pattern: { String: '▁' }, content: ' ' };
  expect(shownBy({ type: 'WordLevel', vocab, unk_token: '<unk>' }, decoder).slice(1)).toEqual([' Ġgantija', 'Ċ']);
});

it('keeps the marker of WordPiece', () => {
  const vocab = ids('[UNK]', 'sing', '##ing', '#');
  const model = {
    type: 'WordPiece',
    vocab,
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
  };
  const decoder = { type: 'WordPiece', prefix: '##', cleanup: false };
  expect(shownBy(model, decoder)).toEqual(['[UNK]', 'sing', '##ing', '#']);
});

it('spells out the bytes of a merge that ends within a character', () => {
  const vocab = ids('Ġ', 'â', 'Ĥ', '¬', 'âĤ', 'âĤ¬', 'ĠâĤ¬');
  const merges = ['â Ĥ', 'âĤ ¬', 'Ġ âĤ¬'];
  const json = { added_tokens: [], model: { type: 'BPE', vocab, merges }, decoder: { type: 'ByteLevel' } };
  expect(shownMerges(tokenizerFromJson(json, 'tokenizer.json'), 6)).toEqual([
    { left: '<0xE2>', right: '<0x82>', rank: 0 },
    { left: '<0xE2><0x82>', right: '<0xAC>', rank: 1 },
    { left: ' ', right: '€', rank: 2 },
  ]);
});

// Byte-level BPE, SentencePiece's scores.
it.each(['llama', 'llama-spm'])('writes merges like the tokens that they make: %s', async (name) => {
  const { tokenizer } = await openModel(await filesOf(name), { contextSize: 8 });
  let whole = 0;
  for (let id = 0; id < tokenizer.vocabularySize; id++) {
    const last = shownMerges(tokenizer, id).at(-1);
    // The bytes of a character that the merge completes are spelled out.
    if (last === undefined || (last.left + last.right).includes('<0x')) continue;
    expect(last.left + last.right).toBe(shownPiece(tokenizer, id));
    whole++;
  }
  expect(whole).toBeGreaterThan(10);
});
