import type { Tokenized, TokenInfo } from '../../../../src-main/engine/api/text-types.ts';
import { visibleText } from '../../../lib/visible.ts';
import type { InsideToken } from './step-props.ts';

const SPACE = 0x20;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The token that a person means, as shown; or, if the text is not one token, how many it is. */
type Replacement = { id: number; piece: string } | { tokens: number };

/**
 * Finds the token to put in place of another one: with the space before it that the replaced one has, if the vocabulary has
 * both, otherwise as it has it.
 */
export async function replacementFor(
  wanted: string,
  replaced: Pick<InsideToken, 'piece' | 'bytes'>,
  tokenize: (text: string) => Promise<Tokenized>,
): Promise<Replacement> {
  const hasSpace = replaced.piece.startsWith(' ') || replaced.bytes[0] === SPACE;
  let single: TokenInfo | null = null;
  let tokens = 0;
  for (const text of hasSpace ? [` ${wanted}`, wanted] : [wanted]) {
    // Many vocabularies add a space before a text, but not behind the end of a line.
    for (const before of ['', '\n']) {
      const found = await tokenize(before + text);
      const last = lastOf(found);
      if (last !== null && hasText(last, text)) return shown(last);
      if (before !== '') continue;
      tokens = found.ids.length;
      if (tokens === 1) single ??= last;
    }
  }
  return single === null ? { tokens } : shown(single);
}

function lastOf({ ids, vocabulary }: Tokenized): TokenInfo | null {
  const id = ids.at(-1);
  return id === undefined ? null : (vocabulary.get(id) ?? null);
}

/** Whether it is a token for all of a text, and nothing more. */
function hasText({ bytes, unknown }: TokenInfo, text: string): boolean {
  const own = encoder.encode(text);
  return !unknown && own.length === bytes.length && own.every((byte, at) => byte === bytes[at]);
}

/** WordPiece writes no space before a word. */
function shown({ id, piece, bytes, special, unknown }: TokenInfo): Replacement {
  const text = decoder.decode(Uint8Array.from(bytes));
  return { id, piece: visibleText(special || unknown || text === ` ${piece}` ? piece : text) };
}
