import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AlignedText } from '../aligned-text.ts';
import { JsonPart } from '../json-part.ts';
import { normalizerFromJson } from './from-json.ts';

const normalizer = (json: object) => normalizerFromJson(new JsonPart(json, 'tokenizer.json'));
const nfc = normalizer({ type: 'NFC' });

/** The original text of each unit of the normalised text. */
function origins(text: string, aligned: AlignedText): string[] {
  return Array.from({ length: aligned.text.length }, (_, i) => text.slice(...aligned.originalRange(i, i + 1)));
}

describe('NFC', () => {
  it('composes like the host', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(nfc.normalize(AlignedText.of(text)).text).toBe(text.normalize('NFC'));
      }),
    );
  });

  it('maps each character to its original', () => {
    const text = 'xe\u0301\u0323y\u1112\u1161\u11abz';
    expect(origins(text, nfc.normalize(AlignedText.of(text)))).toEqual([
      'x',
      'e\u0301\u0323',
      'e\u0301\u0323',
      'y',
      '\u1112\u1161\u11ab',
      'z',
    ]);
  });
});

describe('Replace', () => {
  it('inserts the literal content, and maps it back through several steps', () => {
    const steps = normalizer({
      type: 'Sequence',
      normalizers: [
        { type: 'Replace', pattern: { String: '...' }, content: '…' },
        { type: 'Replace', pattern: { Regex: '…|b' }, content: '$&!' },
        { type: 'Replace', pattern: { String: 'a' }, content: '' },
      ],
    });
    const text = 'a...bc';
    const normalized = steps.normalize(AlignedText.of(text));
    expect(normalized.text).toBe('$&!$&!c');
    expect(origins(text, normalized)).toEqual(['...', '...', '...', 'b', 'b', 'b', 'c']);
  });

  it('inserts at empty matches', () => {
    const normalized = normalizer({ type: 'Replace', pattern: { Regex: '(?=b)' }, content: '_' }).normalize(
      AlignedText.of('abb'),
    );
    expect(normalized.text).toBe('a_b_b');
    expect([0, 1, 2, 3, 4].map((i) => normalized.originalRange(i, i + 1))).toEqual([
      [0, 1],
      [1, 1],
      [1, 2],
      [2, 2],
      [2, 3],
    ]);
  });
});
