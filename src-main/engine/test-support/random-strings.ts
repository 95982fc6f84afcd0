import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { seededRandom } from './mutate.ts';

const UNITS: readonly string[] = [
  ...'etaoinETAOIN',
  ...['the', ' and', 'ing', "'s", "'LL", '123', '4096', '٣', '½', '²'],
  ...[' ', '  ', '        ', '\n', '\r\n', '\t', '\u00a0', '\u2003', '\u3000', '\u0085', '\u200b', '\ufeff', '\u2581'],
  ...['.', '!', '...', '"', '(', '_', '#', '/', '<', '>', '|', '$', '€', '≠', '—', '\\', '{}'],
  ...['é', 'ß', 'ñ', 'ﬁ', 'İ', 'ſ', 'e\u0301', 'a\u0323\u0302', 'Å', '\u0301', '가', '각', '한국어'],
  ...['你好', '日本語', 'ひらがな', '㍿', 'Привет', 'γειά', 'مرحبا', 'שלום', 'नमस्ते', 'ไทย', 'ខ្មែរ'],
  ...['😀', '👩‍👩‍👧', '🇪🇺', '👍🏽', '𝔞', '𐍈', '\u{e0041}', '\0', '\u0007', '\u001d', '\u007f', '\ufffd', '\uffff'],
  ...[
    '\ud800',
    '\udc00',
    '<0x41>',
    '<0xFF>',
    '##ing',
    '[UNK]',
    '</s>',
    '<s>',
    'https://a.b/c?d=e',
    '0x1F',
    'camelCase',
  ],
];

/**
 * Difficult strings for a tokenizer: letters of many scripts, white space of every kind, marks, emoji, control
 * characters, lone surrogates, any code point, pieces of its vocabulary and the texts of its special tokens.
 * @param seed the same seed gives the same strings
 */
export function* randomStrings(count: number, seed: number, tokenizer: Tokenizer): Generator<string> {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const unit = (): string => {
    const kind = below(20);
    if (kind < 12) return UNITS[below(UNITS.length)];
    if (kind < 15) return String.fromCharCode(0x20 + below(0x5f));
    if (kind === 15) return String.fromCodePoint(below(0x3000));
    if (kind === 16) return String.fromCodePoint(below(0x110000));
    if (kind === 17) return UNITS[below(UNITS.length)].repeat(1 + below(12));
    return tokenizer.piece(below(tokenizer.vocabularySize));
  };
  for (let i = 0; i < count; i++) yield Array.from({ length: below(14) }, unit).join('');
}
