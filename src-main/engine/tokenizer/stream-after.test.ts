import { describe, expect, it } from 'vitest';
import { tokenizerFromJson } from './from-tokenizer-json.ts';
import { streamAfter } from './stream-after.ts';

function textsAfter(decoder: object, before: string, ...pieces: string[]): string[] {
  const vocab = Object.fromEntries(['<unk>', before, ...pieces].map((piece, id) => [piece, id]));
  const model = { type: 'WordLevel', vocab, unk_token: '<unk>' };
  const tokenizer = tokenizerFromJson({ added_tokens: [], model, decoder }, 'tokenizer.json');
  const idOf = (piece: string) => vocab[piece] ?? 0;
  const stream = streamAfter(tokenizer, idOf(before));
  const texts = pieces.map((piece) => stream.push(idOf(piece)));
  return [...texts, stream.flush()];
}

const wordPiece = { type: 'WordPiece', prefix: '##', cleanup: true };
/** No space follows a text that opens a bracket. */
const brackets = {
  type: 'Sequence',
  decoders: [wordPiece, { type: 'Fuse' }, { type: 'Replace', pattern: { String: '( ' }, content: '(' }],
};
const sentencePiece = {
  type: 'Sequence',
  decoders: [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    { type: 'Strip', content: ' ', start: 1, stop: 0 },
  ],
};

describe('streamAfter', () => {
  it.each<[string, object, string, string[], string[]]>([
    ['a space between words', wordPiece, 'the', ['cat', 'sat'], [' cat', ' sat', '']],
    ['none within a word', wordPiece, 'cat', ['##s', 'sat'], ['s', ' sat', '']],
    ['none before a comma', wordPiece, 'cat', [',', 'sat'], [',', ' sat', '']],
    ['none behind a bracket', brackets, '(', ['sat', ')'], ['sat', ' )', '']],
    ['a space that the suffix of a word stands for', { type: 'BPEDecoder', suffix: '</w>' }, 'the</w>', ['c', 'at</w>'], [' c', '', 'at']], // prettier-ignore
    ['the space of a piece', sentencePiece, '▁the', ['▁cat', 's'], [' cat', 's', '']],
    [
      'nothing where a character ends',
      sentencePiece,
      '<0xAC>',
      ['<0xE2>', '<0x82>', 'x'],
      ['', '', '\ufffd\ufffdx', ''],
    ],
    ['a character of its own', sentencePiece, '▁the', ['<0xC3>', '<0xA9>', 's'], ['', '', 'és', '']],
  ])('gives %s', (_what, decoder, before, pieces, texts) => {
    expect(textsAfter(decoder, before, ...pieces)).toEqual(texts);
  });
});
