import { tokenizerFromJson } from '../from-tokenizer-json.ts';
import type { Tokenizer } from '../tokenizer.ts';

/** A tokenizer as of Llama 2: its decoder holds back bytes, such as `<0x0A>`, until another piece follows. */
export function byteFallbackTokenizer(pieces: readonly string[]): Tokenizer {
  const vocab = Object.fromEntries(pieces.map((piece, id) => [piece, id]));
  const decoder = {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  };
  const model = { type: 'WordLevel', vocab, unk_token: '<unk>' };
  return tokenizerFromJson({ added_tokens: [], model, decoder }, 'tokenizer.json');
}
