import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonPart } from '../json-part.ts';
import { DecoderStream } from './decoder.ts';
import { decoderFromJson } from './from-json.ts';
import { replaceLiteral } from './replace.ts';

const replace = (found: string, content: string) => ({ type: 'Replace', pattern: { String: found }, content });

function decode(decoders: object[], pieces: readonly string[], continues = false): string {
  const decoder = decoderFromJson(new JsonPart({ type: 'Sequence', decoders }, 'tokenizer.json'));
  const stream = new DecoderStream(decoder, continues);
  return pieces.map((piece) => stream.push(piece)).join('') + stream.flush();
}

describe('WordPiece', () => {
  const wordPiece = { type: 'WordPiece', prefix: '##', cleanup: true };

  it('joins words with spaces and cleans up within each piece only', () => {
    expect(decode([wordPiece], ['##a', '##b', 'c', '.', "n't", "'", 's', 'do not', '##.', "'re", "'"])).toBe(
      "##ab c.n't ' s don't.'re '",
    );
    expect(decode([{ ...wordPiece, cleanup: false }], ['a', '.'])).toBe('a .');
  });

  it('continues the word before a sequence', () => {
    expect(decode([wordPiece], ['##a', '##b', 'c'], true)).toBe('ab c');
    expect(decode([wordPiece], ['a', '##b'], true)).toBe('ab');
  });
});

describe('Replace', () => {
  it('sees one piece before Fuse and the whole text after it', () => {
    expect(decode([replace('ab', 'x')], ['a', 'b', 'ab'])).toBe('abx');
    expect(decode([{ type: 'Fuse' }, replace('ab', 'x')], ['a', 'b', 'ab'])).toBe('xx');
  });

  it('finds the empty text at every position', () => {
    expect(decode([replace('', 'x')], ['ab', 'c', ''])).toBe('xaxbxxcx');
    expect(decode([{ type: 'Fuse' }, replace('', 'x')], ['ab', 'c', ''])).toBe('xaxbxcx');
  });

  it('gives the same text however the text is split, with several steps', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 });
    const found = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(found, letters), { maxLength: 3 }),
        fc.array(letters, { maxLength: 20 }),
        (rules, pieces) => {
          const expected = rules.reduce(
            (text, [found, content]) => replaceLiteral(text, found, content),
            pieces.join(''),
          );
          expect(decode([{ type: 'Fuse' }, ...rules.map(([found, content]) => replace(found, content))], pieces)).toBe(
            expected,
          );
        },
      ),
    );
  });
});
