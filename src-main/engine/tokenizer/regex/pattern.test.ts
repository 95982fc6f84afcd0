import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { literalPattern, regexPattern } from './pattern.ts';
import { RegexError } from './syntax.ts';

const found = (pattern: string, text: string) =>
  regexPattern(pattern)
    .matches(text)
    .map(([start, end]) => text.slice(start, end));

/** JavaScript finds an empty match right after another one, Oniguruma's search does not. */
function withoutEmptyBehindMatch(matches: Iterable<RegExpExecArray>): string[] {
  let lastEnd = -1;
  return Array.from(matches).flatMap(({ 0: match, index }) => {
    if (match === '' && index === lastEnd) return [];
    lastEnd = index + match.length;
    return [match];
  });
}

describe('Oniguruma syntax', () => {
  it.each<[string, string, string[]]>([
    ['\\w+', 'naïve Straße 東京 x٣ _a', ['naïve', 'Straße', '東京', 'x٣', '_a']],
    ['[\\w]+', 'a² b½', ['a', 'b']],
    ['\\w+', 'a² b½', ['a²', 'b½']],
    ['\\W', 'aé-² ', ['-', ' ']],
    ['[^\\w\\s]', 'a.\u00a0!\u3000²', ['.', '!', '²']],
    ['\\s+', 'a\u00a0\u2003b\ufeffc\u0085d', ['\u00a0\u2003', '\u0085']],
    ['\\S+', 'a b\u3000c', ['a', 'b', 'c']],
    ['\\d{1,3}', '12345 ٣', ['123', '45', '٣']],
    ['[\\D]', '1a', ['a']],
    ['\\p{Lu}\\p{Ll}*', 'Ab ÀÉ', ['Ab', 'À', 'É']],
    ['\\P{L}|\\p{^L}', 'a1b', ['1']],
    ['[^\\r\\n\\p{L}\\p{N}]?\\p{L}+', ' two words\n', [' two', ' words']],
    ['[a[^\\d]]+', 'ab1a', ['ab', 'a']],
    ['[]a]', ']', []],
    ['[a\\-z]+|[x-]', 'a-z x', ['a-z', 'x']],
    ['.', 'a\n😀', ['a', '😀']],
    ['\\x41\\x{1F600}\\u00e9', 'A😀é', ['A😀é']],
    ['(?<!a)b(?!c)|(?<=a)c(?=d)', 'ab b bc acd', ['b', 'c']],
    ['a{2}|b{,2}c|{', 'aab bbc {', ['aa', 'bbc', '{']],
    ['a+?b*?', 'aab', ['a', 'a']],
    ['(?:a|bc)+(d)', 'abcad', ['abcad']],
    ['\\.\\(\\/', '.(/', ['.(/']],
    ['[a-z&&[^aeiou]]+', 'abcde', ['bcd']],
    ['[\\p{L}&&[^\\p{Han}]]+|\\p{han}', 'abc漢字', ['abc', '漢', '字']],
    ['\\p{Greek}+|\\p{^Latin}', 'aβγ1', ['βγ', '1']],
    ['[[:alpha:]]+|[[:^alpha:][a]]', 'ab1', ['ab', '1']],
    ['[[:punct:]]|\\p{Punct}', '+!', ['+', '!']],
    ['\\p{Uppercase_Letter}\\h', 'Ag Af', ['Af']],
    ['a++b|a', 'aaab aa', ['aaab', 'a', 'a']],
    ['a++a|b', 'aaab', ['b']],
    ['(?>ab|a)(?:c|bd)|x', 'abd abc', ['abc']],
    ['[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+| ?[^\\s\\p{L}]++', ' a!! b', [' a', '!!', ' b']],
    ['(?>a)(?>b)(?:(?>c)+)', 'abccx', ['abcc']],
    ['a{2}?b', 'b aab', ['b', 'aab']],
    ['^a|a$', 'ab\naa\na', ['a', 'a', 'a', 'a']],
    ['^', 'a\n', ['']],
    ['\\Aa|b\\z|c\\Z', 'abc\n', ['a', 'c']],
    ['\\bé\\b|\\Bx', 'é éx', ['é', 'x']],
    ['a(?i)b|c', 'aB C aC', ['aB', 'aC']],
    ['(?i:[k-m]a(?-i:b))', 'Kab LAb kAB \u212aab', ['Kab', 'LAb', '\u212aab']],
    ["(?i:'s|'ll)|s", "a's b'S c'\u017f d'lL e'x s S", ["'s", "'S", "'\u017f", "'lL", 's']],
  ])('%s', (pattern, text, matches) => {
    if (pattern === '[]a]') expect(() => regexPattern(pattern)).toThrow(RegexError);
    else expect(found(pattern, text)).toEqual(matches);
  });

  it('agrees with JavaScript if the syntax is the same', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '[ab]',
      '[^a]',
      '(?=a)',
      '(?!b)',
      '(?<=b)',
      '(?<!a)',
      '\\.',
      'c?',
      'b*',
      'a+?',
    );
    // More than two loops in a row are refused.
    const option = fc
      .array(atom, { minLength: 1, maxLength: 4 })
      .filter((atoms) => atoms.filter((each) => /[*+]/.test(each)).length <= 2);
    const pattern = fc
      .array(option, { minLength: 1, maxLength: 3 })
      .map((options) => options.map((atoms) => atoms.join('')).join('|'));
    fc.assert(
      fc.property(pattern, fc.string({ unit: fc.constantFrom('a', 'b', 'c', '.'), minLength: 1 }), (source, text) => {
        expect(found(source, text)).toEqual(withoutEmptyBehindMatch(text.matchAll(new RegExp(source, 'gu'))));
      }),
    );
  });

  it.each(['(', 'a)', '[a', '[]', '*a', 'a{3,2}', '[z-a]', '\\', '\\p', '\\p{', '\\x{110000}', '\\u12'])(
    'refuses the malformed %s',
    (pattern) => {
      expect(() => regexPattern(pattern)).toThrow(expect.objectContaining({ unsupported: false }));
    },
  );

  it.each([
    '\\G',
    '\\1',
    '(?m:a)',
    '(?<n>a)',
    'a**',
    'a+++',
    '(?<=a++)b',
    '(?i:[^a])',
    '(?i:ß)',
    '[[:klingon:]]',
    '\\p{Klingon}',
    '(?=a)*',
    'a{2000}',
    '('.repeat(60) + ')'.repeat(60),
    'a'.repeat(5000),
  ])('reports %s as unsupported', (pattern) => {
    expect(() => regexPattern(pattern)).toThrow(expect.objectContaining({ unsupported: true }));
  });
});

describe('loops', () => {
  it.each([
    '(a+)+',
    '(a*)*',
    '(a|a)*',
    '(a|ab|b)*',
    '(?:\\d{1,3})+',
    '(?:a?){30}',
    '(\\w+\\d)*',
    '((a|b)+c?)*',
    '(?:a{300}b{300})+',
    'a*a*a*b',
    '.*x.*y.*z',
    '\\w+\\s*\\w*-?[a-z]+!',
    '(?:x|a+a+\\w*)!',
  ])('that may take exponential time, or the third power of it, are refused: %s', (pattern) => {
    expect(() => regexPattern(pattern)).toThrow(expect.objectContaining({ unsupported: true }));
  });

  it.each(["\\w+(?:'\\w+)*", '(?:a|b)*', '(?:\\d{3})+', '(?:ab?)+', '(?:a{2,}b)+', '(?:a+|b)?', '(?:[^a]a{1,2})*'])(
    'that are harmless are accepted: %s',
    (pattern) => {
      expect(() => regexPattern(pattern)).not.toThrow();
    },
  );
});

describe('a literal pattern', () => {
  it('finds the literal text', () => {
    expect(literalPattern('a.').matches('a.a.ab')).toEqual([
      [0, 2],
      [2, 4],
    ]);
    expect(literalPattern('aa').matches('aaa')).toEqual([[0, 2]]);
    expect(literalPattern('').matches('ab')).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
    ]);
    expect(literalPattern('').matches('')).toEqual([]);
  });
});
