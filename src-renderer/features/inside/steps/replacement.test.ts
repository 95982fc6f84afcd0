import { describe, expect, it } from 'vitest';
import type { TokenInfo, Tokenized } from '../../../../src-main/engine/api/text-types.ts';
import { replacementFor } from './replacement.ts';

const bytesOf = (text: string) => [...new TextEncoder().encode(text)];

/** A tokenizer that knows some texts. @param pieces with their ids, and what they add to a text */
function tokenizer(pieces: Record<string, [id: number, text: string]>, texts: Record<string, string[]>) {
  return (text: string): Promise<Tokenized> => {
    const found = (texts[text] ?? []).map((piece): TokenInfo => {
      const [id, own] = pieces[piece]!;
      return { id, piece, bytes: bytesOf(own), kind: 'normal', special: false, unknown: piece === '[UNK]' };
    });
    const vocabulary = new Map(found.map((token) => [token.id, token]));
    return Promise.resolve({ ids: found.map(({ id }) => id), ranges: new Int32Array(2 * found.length), vocabulary });
  };
}

const tokenOf = (piece: string, text = piece) => ({ piece, bytes: bytesOf(text) });

describe('the token in place of another one', () => {
  /** SentencePiece, which adds a space before a text. */
  const tokenize = tokenizer(
    {
      '▁': [0, ' '],
      '<0x0A>': [1, '\n'],
      '▁ed': [2, ' ed'],
      ed: [3, 'ed'],
      '▁zoo': [4, ' zoo'],
      zo: [5, 'zo'],
      o: [6, 'o'],
    },
    {
      ed: ['▁ed'],
      ' ed': ['▁', '▁ed'],
      '\ned': ['▁', '<0x0A>', 'ed'],
      '\n ed': ['▁', '<0x0A>', '▁ed'],
      zoo: ['▁zoo'],
      '\nzoo': ['▁', '<0x0A>', 'zo', 'o'],
      oo: ['▁', 'o', 'o'],
      '\noo': ['▁', '<0x0A>', 'o', 'o'],
    },
  );

  it('has a space before it if the replaced one has, whatever the vocabulary adds', async () => {
    expect(await replacementFor('ed', tokenOf('ing'), tokenize)).toEqual({ id: 3, piece: 'ed' });
    expect(await replacementFor('ed', tokenOf(' went'), tokenize)).toEqual({ id: 2, piece: '·ed' });
    // The first token of a text, whose space is not part of the text.
    expect(await replacementFor('ed', tokenOf(' The', 'The'), tokenize)).toEqual({ id: 2, piece: '·ed' });
  });

  it('is named as the vocabulary has it', async () => {
    expect(await replacementFor('zoo', tokenOf('ing'), tokenize)).toEqual({ id: 4, piece: '·zoo' });
  });

  it('may be behind the end of a line only', async () => {
    const only = tokenizer(
      { '\n': [1, '\n'], zo: [5, 'zo'], o: [6, 'o'], '▁z': [9, ' z'] },
      { zo: ['▁z', 'o'], '\nzo': ['\n', 'zo'] },
    );
    expect(await replacementFor('zo', tokenOf('ing'), only)).toEqual({ id: 5, piece: 'zo' });
  });

  it('is none where the text is several', async () => {
    expect(await replacementFor('oo', tokenOf('ing'), tokenize)).toEqual({ tokens: 3 });
  });

  it('is a word of WordPiece, whose pieces have no space, or its unknown token', async () => {
    const words = tokenizer(
      { cat: [7, ' cat'], '[UNK]': [8, '[UNK]'] },
      { cat: ['cat'], ' cat': ['cat'], '\ncat': ['cat'], '\n cat': ['cat'], 猫: ['[UNK]'], '\n猫': ['[UNK]'] },
    );
    expect(await replacementFor('cat', tokenOf('dog', ' dog'), words)).toEqual({ id: 7, piece: 'cat' });
    expect(await replacementFor('cat', tokenOf('The'), words)).toEqual({ id: 7, piece: 'cat' });
    expect(await replacementFor('猫', tokenOf('The'), words)).toEqual({ id: 8, piece: '[UNK]' });
  });
});
