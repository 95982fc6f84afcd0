import { visibleText } from '../../../lib/visible.ts';
import { tilePicture, type Tile } from '../picture/tile-picture.ts';
import type { Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import { nameOf, type TokenRange } from './token-window.ts';
import { hexBytes } from './tokenize.ts';

/** The bytes of each token, and the text that is complete after it. @param range the tokens that are shown */
export function bytesPicture(tokens: readonly InsideToken[], { from, to }: TokenRange): Picture {
  const completed = completedTexts(tokens.map(({ bytes }) => bytes));
  return tilePicture({
    title: 'Bytes and text',
    fileName: 'detokenize',
    origin: { column: from },
    tiles: tokens.slice(from, to).map(({ piece, bytes }, at): Tile => {
      const index = from + at;
      const text = completed[index];
      const name = nameOf(tokens, index);
      if (bytes.length === 0) {
        const facts = { name, value: 'no text', formula: 'no bytes: the token adds no text' };
        return { text: visibleText(piece), note: 'no text', facts };
      }
      return {
        text: text === '' ? '…' : visibleText(text),
        note: hexBytes(bytes),
        ...(isWhole(bytes, text) ? {} : { fill: '--accent-soft' }),
        facts: {
          name,
          value: text === '' ? 'no complete character' : visibleText(text),
          formula: `UTF-8 ${hexBytes(bytes)} → ${visibleText(text) || 'waits for the next token'}`,
        },
      };
    }),
    table: {
      columns: ['token', 'piece', 'bytes', 'text'],
      rows: tokens.length,
      row: (index) => [index, tokens[index].piece, hexBytes(tokens[index].bytes), completed[index]],
    },
  });
}

/** The characters that are complete after each token's bytes, and were not before. */
export function completedTexts(bytes: readonly (readonly number[])[]): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  return bytes.map((some) => decoder.decode(Uint8Array.from(some), { stream: true }));
}

/** Whether a token begins or ends within a character. */
export function splitsCharacters(tokens: readonly InsideToken[]): boolean {
  const all = tokens.map(({ bytes }) => bytes);
  return completedTexts(all).some((text, at) => !isWhole(all[at] ?? [], text));
}

/** Whether the token's bytes are the text that appears with it. */
function isWhole(bytes: readonly number[], text: string): boolean {
  const own = new TextEncoder().encode(text);
  return own.length === bytes.length && own.every((byte, at) => byte === bytes[at]);
}
