import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMs, SLOWEST_MACHINE } from '../../test-support/cpu-time.ts';
import { parseRegex } from './parse.ts';
import { regexPattern } from './pattern.ts';
import { withinSteps } from './step-budget.ts';
import type { RegexNode } from './syntax.ts';
import { toJavaScript } from './to-javascript.ts';

/** Loops that the initial check misses, and that take exponential time or a high power of the length. */
const EVASIONS: readonly (readonly [pattern: string, text: string])[] = [
  [`${'(?:a*)?'.repeat(12)}b`, 'a'.repeat(60)],
  ['x*(?:x*|y)x*(?:x*|y)x*(?:x*|y)z', 'x'.repeat(2000)],
  [`${'(?:a|a)?'.repeat(40)}b`, 'a'.repeat(60)],
  [`${'(?>a*)?a*'.repeat(8)}b`, 'a'.repeat(400)],
  [`(?=${'(?:a*)?'.repeat(12)}b)a`, 'a'.repeat(60)],
  [`(?!${'(?:a*)?'.repeat(12)}b)b`, 'a'.repeat(60)],
  [`(?<=b${'(?:a*)?'.repeat(12)})c`, `${'a'.repeat(60)}c`],
  [`${'(?:a*?)?'.repeat(12)}b`, 'a'.repeat(60)],
  ['[\\s\\S]*[\\s\\S]*\\z(?!)', 'a'.repeat(5000)],
  ['a+b', 'a'.repeat(100_000)],
  ['(?:(?:a{900}){900})?', 'a'],
];

describe('a pattern that takes too long', () => {
  it.each(EVASIONS)('%s ends with an error', (pattern, text) => {
    const ms = cpuMs(() => {
      expect(() => regexPattern(pattern).matches(text)).toThrow(/takes too long|not supported/);
    });
    expect(ms).toBeLessThan(1000 * SLOWEST_MACHINE);
  });

  it('gets no larger budget from a text of many pieces', () => {
    const pattern = regexPattern(`${'(?:a*)?'.repeat(8)}b`);
    const piece = 'a'.repeat(20);
    const ms = cpuMs(() => {
      const search = () => Array.from({ length: 5000 }, () => pattern.matches(piece));
      expect(() => withinSteps(piece.length * 5000, search)).toThrow('takes too long');
    });
    expect(ms).toBeLessThan(3000 * SLOWEST_MACHINE);
  });

  it('has the full budget again for the next text', () => {
    const pattern = regexPattern('a+b');
    expect(() => pattern.matches('a'.repeat(100_000))).toThrow('takes too long');
    expect(pattern.matches('aab')).toEqual([[0, 3]]);
  });
});

/** Matches as found by JavaScript, without empty ones right after another. */
function native(node: RegexNode, text: string): [number, number][] {
  let lastEnd = -1;
  return Array.from(text.matchAll(new RegExp(toJavaScript(node), 'gu'))).flatMap(({ 0: match, index }) => {
    const end = index + match.length;
    if (match === '' && index === lastEnd) return [];
    lastEnd = end;
    return [[index, end] as [number, number]];
  });
}

describe('the matcher', () => {
  it('never stops inside a surrogate pair', () => {
    expect(regexPattern('^|$').matches('a😀')).toEqual([
      [0, 0],
      [3, 3],
    ]);
    expect(regexPattern('(?<=😀)[😀-😎]+(?=😀)').matches('😀😎😀😀')).toEqual([[2, 6]]);
    expect(regexPattern('(?<=[😀-😎]{2})b').matches('😎b😀😎b')).toEqual([[7, 8]]);
  });

  it('takes an optional item that matches nothing', () => {
    const pattern = '(?:a{0,2}?)?|b';
    // Python's `re`, which backtracks like PCRE, finds nothing at 0, too.
    const expected = [
      [0, 0],
      [1, 1],
    ];
    expect(regexPattern(pattern).matches('a')).toEqual(expected);
    expect(native(parseRegex(pattern), 'a')).toEqual(expected);
  });

  const atom = fc.constantFrom('a', 'b', '[ab]', '[^a]', '\\s', '\\p{L}', '.', '\\b', '^', '$');
  const quantifier = fc.constantFrom('', '', '?', '*', '+', '??', '*?', '+?', '++', '{2}', '{1,3}', '{2,}', '{0,2}?');
  const { pattern } = fc.letrec<{ pattern: string; item: string }>((tie) => ({
    pattern: fc
      .array(fc.array(tie('item'), { maxLength: 4 }), { minLength: 1, maxLength: 3 })
      .map((options) => options.map((items) => items.join('')).join('|')),
    item: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.tuple(atom, quantifier).map(([one, times]) => (/^(\\b|[$^])/.test(one) ? one : one + times)),
      fc.tuple(tie('pattern'), quantifier).map(([inner, times]) => `(?:${inner})${times}`),
      fc
        .tuple(fc.constantFrom('(?=', '(?!', '(?<=', '(?<!', '(?>'), tie('pattern'))
        .map(([open, inner]) => `${open}${inner})`),
    ),
  }));
  // No surrogate pairs: V8 finds empty matches inside them.
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', 'é', '_'), maxLength: 12 });

  it('finds the same matches as JavaScript', () => {
    fc.assert(
      fc.property(pattern, fc.array(text, { minLength: 5, maxLength: 5 }), (source, texts) => {
        let found: ReturnType<typeof regexPattern> | null = null;
        try {
          found = regexPattern(source);
        } catch {
          // Refused: a loop that may be ambiguous, or an atomic group in a look-behind.
        }
        fc.pre(found !== null);
        for (const each of texts) {
          if (each !== '') expect(found.matches(each), JSON.stringify(each)).toEqual(native(parseRegex(source), each));
        }
      }),
    );
  });
});
