import { visibleText } from '../../../lib/visible.ts';
import { tilePicture, type Tile } from '../picture/tile-picture.ts';
import type { Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import type { TokenRange } from './token-window.ts';
import { hexBytes } from './tokenize.ts';

/** The bytes of each token, and the text that is complete after it. @param range the tokens that are shown */
export function bytesPicture(tokens: readonly InsideToken[], { from, to }: TokenRange): Picture {
  const completed = completedTexts(tokens.map(({ bytes }) => bytes));
  return tilePicture({
    title: 'Bytes and text',
    fileName: 'detokenize',
    tiles: tokens.slice(from, to).map(({ piece, bytes }, at): Tile => {
      const index = from + at;
      const text = completed[index];
      return {
        text: text === '' ? '…' : visibleText(text),
        note: hexBytes(bytes) || 'none',
        ...(isWhole(bytes, text) ? {} : { fill: '--accent-soft' }),
        facts: {
          name: `${visibleText(piece)} (token ${index})`,
          value: text === '' ? 'no complete character' : visibleText(text),
          formula:
            bytes.length === 0
              ? 'no bytes: the token adds no text'
              : `UTF-8 ${hexBytes(bytes)} → ${visibleText(text) || 'waits for the next token'}`,
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

/** Whether the token's bytes are the text that appears with it. */
function isWhole(bytes: readonly number[], text: string): boolean {
  const own = new TextEncoder().encode(text);
  return own.length === bytes.length && own.every((byte, at) => byte === bytes[at]);
}
