import { expect, it } from 'vitest';
import { BYTE_CHARACTERS, bytesOfPiece } from './alphabet.ts';

it('maps every byte to a different character', () => {
  expect(new Set(BYTE_CHARACTERS).size).toBe(256);
  // Edge cases of GPT-2's table: space, newline, DEL, soft hyphen, and letters that map to themselves.
  expect([0x20, 0x0a, 0x7f, 0xad, 0x41, 0xe9].map((byte) => BYTE_CHARACTERS[byte])).toEqual([
    'Ġ',
    'Ċ',
    'ġ',
    'Ń',
    'A',
    'é',
  ]);
});

it('decodes a piece to bytes, and ordinary text to its UTF-8', () => {
  expect([...bytesOfPiece('ĠcafÃ©')]).toEqual([0x20, 0x63, 0x61, 0x66, 0xc3, 0xa9]);
  expect([...bytesOfPiece('a b')]).toEqual([0x61, 0x20, 0x62]);
  expect([...bytesOfPiece('日')]).toEqual([0xe6, 0x97, 0xa5]);
});
