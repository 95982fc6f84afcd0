import type { AlignedText, Replacement } from '../aligned-text.ts';
import { BYTE_CHARACTERS } from './alphabet.ts';

const encoder = new TextEncoder();

/** Maps a text's UTF-8 bytes to characters. */
export function byteCharacters(text: string): string {
  let characters = '';
  for (const byte of encoder.encode(text)) characters += BYTE_CHARACTERS[byte];
  return characters;
}

/** As `byteCharacters`, for an aligned text. */
export function alignedByteCharacters(aligned: AlignedText): AlignedText {
  const replacements: Replacement[] = [];
  for (const { 0: character, index } of aligned.text.matchAll(/[^!-~]/gu)) {
    replacements.push({ range: [index, index + character.length], text: byteCharacters(character) });
  }
  return aligned.replace(replacements);
}
