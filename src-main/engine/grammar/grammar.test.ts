import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpuMs, SLOWEST_MACHINE } from '../test-support/cpu-time.ts';
import { checkGrammar } from './compile-grammar.ts';
import { allowedIds, allows, byteVocabulary, END_ID, matcherOf, randomText } from './test-support/random-texts.ts';

function gbnf(source: string) {
  return matcherOf({ kind: 'gbnf', source });
}

function problem(source: string): string {
  const found = checkGrammar({ kind: 'gbnf', source });
  return found === null ? 'none' : `${found.line}:${found.column} ${found.message}`;
}

describe('GBNF', () => {
  it.each<[string, string[], string[]]>([
    ['root ::= "yes" | "no"', ['yes', 'no'], ['', 'ye', 'yesno']],
    ['root ::= [a-c\\]\\-x]+', ['abc]-x'], ['d', '']],
    ['root ::= [-+*/]', ['-', '+'], [',']],
    ['root ::= [^a-c\\n]', ['d', '😀', '\t'], ['a', '\n', 'dd']],
    ['root ::= "\\x41\\u00e9\\U0001F642\\"\\\\\\n"', ['Aé🙂"\\\n'], ['A']],
    ['root ::= .', ['a', '\n', '🙂'], ['', 'ab']],
    ['root ::= "a"{2} "b"{1,2} "c"{2,} "d"{0,1} "e"?', ['aabcc', 'aabbccccde'], ['abcc', 'aabbbcc', 'aabc', 'aabccdd']],
    ['root ::= "ab"*', ['', 'abab'], ['aba']],
    ['root ::= ("a" | "b" "c")+ "d"', ['abcd', 'aad'], ['acd', 'd']],
    ['root ::= "a" # a comment\n  # another | "b"\n', ['a'], ['b']],
    ['root ::= (\n  "a" # inside\n  | "b"\n)\nother ::= "c"', ['a', 'b'], ['c']],
    ['root ::=\n  "a" |\n  "b"', ['a', 'b'], []],
    ['\r\nroot ::= x\r\nx ::= "1"\r\n', ['1'], []],
    ['root ::= "a" root "b" | "c"', ['c', 'aacbb'], ['aacb', 'ab']],
    ['root ::= "" | "a"', ['', 'a'], ['aa']],
    ['root ::= a a "x"\na ::= "y"?', ['x', 'yx', 'yyx'], ['yyyx']],
    ['root ::= "a"{2}{2}', ['aaaa'], ['aaa']],
    ['root ::= "a"{ 1 , 2 }', ['a', 'aa'], []],
  ])('reads %j', (source, allowed, refused) => {
    const matcher = gbnf(source);
    for (const text of allowed) expect(allows(matcher, text), text).toBe(true);
    for (const text of refused) expect(allows(matcher, text), text).toBe(false);
  });

  it.each<[string, string]>([
    ['', '1:1 The grammar has no rule named root'],
    ['other ::= "a"', '1:1 The grammar has no rule named root'],
    ['root = "a"', '1:6 Expected "::=" after the name root'],
    ['root ::= "a\n', '1:10 The quotation mark is not closed'],
    ['root ::= [a', '1:10 The bracket is not closed'],
    ['root ::= [z-a]', '1:11 The range ends before it starts'],
    ['root ::= []', '1:10 No character matches'],
    ['root ::= [^\\x00-\\uD7FF\\uE000-\\U0010FFFF]', '1:10 No character matches'],
    ['root ::= "\\q"', '1:11 Unknown escape'],
    ['root ::= "\\uD800"', '1:11 \\uD800 is not a Unicode character'],
    ['root ::= "\ud800"', '1:11 This is half a character'],
    ['root ::= ("a"', '1:10 The parenthesis is not closed'],
    ['root ::= ("a" ::=', '1:10 ":" is not allowed here'],
    ['root ::= "a" )', '1:14 ")" is not allowed here'],
    ['root ::= * "a"', '1:10 There is nothing before this to repeat'],
    ['root ::= "a"{x}', '1:14 Expected a whole number'],
    ['root ::= "a"{3,2}', '1:13 The repetition’s maximum is below its minimum'],
    ['root ::= "a"{10001}', '1:13 Too many repetitions: the limit is 10000'],
    ['root ::= "a"{0,99999999999999999999}', '1:13 Too many repetitions: the limit is 10000'],
    ['root ::= ' + '('.repeat(102), '1:110 Parentheses are nested more than'],
    ['root ::= item\nitem ::= itm', '2:10 There is no rule “itm”'],
    ['root ::= "a"\nroot ::= "b"', '2:1 The rule root is already defined'],
    ['root ::= "a"\n\nbad', '3:4 Expected "::=" after the name bad'],
    ['root ::= <x', '1:10 Expected a token'],
    ['root ::= ""', '1:1 The grammar allows only the empty text'],
  ])('refuses %j', (source, expected) => expect(problem(source)).toContain(expected));

  it.each<[string, string]>([
    ['root ::= root "a" | "b"', '1:1 The rule root starts with itself'],
    ['root ::= a\na ::= b "x"\nb ::= a "y" | "z"', '2:1 The rule a starts with itself (a → b → a)'],
    ['root ::= "x" a\na ::= ws a "b" | "c"\nws ::= [ ]*', '2:1 The rule a starts with itself'],
    ['root ::= (root "a") | "b"', '1:1 The rule root starts with itself'],
    ['root ::= ([a-z]*)*', '1:18 The repeated part may be empty'],
    ['root ::= "a" | b\nb ::= "x"? b', '2:1 The rule b never ends'],
    ['root ::= "a" root', '1:1 The rule root never ends'],
    ['root ::= "a" | b\nb ::= "x" c\nc ::= "y" b', '2:1 The rule b never ends'],
    ['root ::= ((("a"{1000}){1000}){1000}){1000}', '1:1 The shortest text'],
    [
      `root ::= r0\n${Array.from({ length: 60 }, (_, i) => `r${i} ::= r${i + 1} r${i + 1}`).join('\n')}\nr60 ::= "a"`,
      '1:1 The shortest text',
    ],
    [Array.from({ length: 60 }, (_, i) => `${i === 0 ? 'root' : `r${i}`} ::= "a"{9999}`).join('\n'), '1:1'],
  ])('refuses a grammar that cannot be matched: %j', (source, expected) => {
    const found = () => expect(problem(source)).toContain(source.includes('9999') ? 'too large' : expected);
    expect(cpuMs(found)).toBeLessThan(2000 * SLOWEST_MACHINE);
  });

  it('matches text that is exponentially ambiguous', () => {
    const nested = Array.from({ length: 60 }, (_, i) => `r${i} ::= r${i + 1} r${i + 1}`).join('\n');
    for (const source of [
      `root ::= r0 "!"\n${nested}\nr60 ::= "a"?`,
      'root ::= "a" root "b" | "a" root "c" | "a"',
      'root ::= x x x x x x x x "!"\nx ::= "a"* | "a"+ "b"?',
      'root ::= ("a"? "a"? "a"?){100} "!"',
    ]) {
      const matcher = gbnf(source);
      const at = matcher.acceptText(matcher.start, 'a'.repeat(40));
      expect(at).not.toBeNull();
      expect(allowedIds(matcher, at!)).toContain(0x61);
    }
  });

  it('fails with an error if matching takes too long', () => {
    const letters = Array.from({ length: 26 }, (_, i) => `[${String.fromCharCode(0x61 + i)}0-9]?`).join(' ');
    const source = `root ::= "!" many\nmany ::= (${letters}){2000} "!"`;
    expect(problem(source)).toBe('none');
    const matcher = gbnf(source);
    const behind = matcher.acceptText(matcher.start, '!')!;
    expect(() => matcher.allowed(behind)).toThrow(/too ambiguous: .*\(line 2, column \d+\)/);
  });

  it('never crashes and never hangs, for any source', () => {
    const piece = fc.constantFrom(
      ...['root', 'a', 'b', ' ::= ', '::=', '\n', ' ', '|', '(', ')', '*', '+', '?', '{2}', '{0,3}', '{1,}', '{', '}'],
      ...['"x"', '"', '[a-z]', '[^', ']', '.', '\\', '<[3]>', '!<x>', '#', '\u{1f642}', '\\x4', '-'],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const source = `root ::= ${pieces.join('')}`;
        const found = checkGrammar({ kind: 'gbnf', source });
        if (found === null) return void gbnf(source.replaceAll('!<x>', '.')).tokensToEnd;
        expect(found.line).toBeGreaterThan(0);
        expect(found.column).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (source) => void checkGrammar({ kind: 'gbnf', source })));
  });
});

/** Grammars that always end, with the equivalent regular expression. */
const sets = fc.constantFrom('[a-c]', '[^b]', '.', '"ab"', '"é"', '[à-ÿ]', '"🙂"');
const { expression } = fc.letrec<{ expression: { gbnf: string; regex: string } }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small' },
    sets.map((gbnf) => ({ gbnf, regex: gbnf.startsWith('"') ? `(?:${gbnf.slice(1, -1)})` : gbnf })),
    fc
      .tuple(tie('expression'), tie('expression'))
      .map(([a, b]) => ({ gbnf: `${a.gbnf} ${b.gbnf}`, regex: a.regex + b.regex })),
    fc
      .tuple(tie('expression'), tie('expression'))
      .map(([a, b]) => ({ gbnf: `(${a.gbnf} | ${b.gbnf})`, regex: `(?:${a.regex}|${b.regex})` })),
    fc
      .tuple(tie('expression'), fc.constantFrom('?', '{2}', '{1,3}', '{0,2}', '+'))
      .map(([a, count]) => ({ gbnf: `(${a.gbnf} "c")${count}`, regex: `(?:${a.regex}c)${count}` })),
  ),
}));

describe('a grammar over a vocabulary', () => {
  it('allows exactly what the same regular expression matches', () => {
    const texts = fc.array(fc.array(fc.constantFrom('a', 'b', 'c', 'é', '🙂', 'ab'), { maxLength: 8 }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(expression, texts, ({ gbnf: source, regex }, written) => {
        const matcher = gbnf(`root ::= ${source}`);
        const expected = new RegExp(`^${regex}$`, 'su');
        for (const text of written.map((parts) => parts.join(''))) {
          expect(allows(matcher, text), text).toBe(expected.test(text));
        }
      }),
    );
  });

  it('generates only allowed texts, within any budget that fits the shortest text', () => {
    fc.assert(
      fc.property(
        expression,
        fc.nat(20),
        fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1 }),
        ({ gbnf: source, regex }, more, numbers) => {
          const matcher = gbnf(`root ::= ${source}`);
          let next = 0;
          const text = randomText(
            matcher,
            matcher.tokensToEnd(matcher.start) + more,
            () => numbers[next++ % numbers.length],
          );
          expect(text).toMatch(new RegExp(`^${regex}$`, 'su'));
        },
      ),
    );
  });

  it('allows a token exactly when it accepts it, one by one', () => {
    const words = ['abc', 'ccc', 'aé', 'éé', 'cabcabcabcabcabcabcabcabcabc', 'ab\u00e9c🙂', 'b'];
    const vocabulary = byteVocabulary(words);
    const ids = Array.from({ length: 256 + words.length }, (_, id) => id);
    const long = fc.constantFrom('[a-z]{1,20}', '[^<]{2,9} "<"', '[^x]*', '.+ "c"', '([à-ÿa-z] "c"?){0,13}');
    const source = fc.oneof(
      expression.map(({ gbnf: written }) => written),
      long,
    );
    fc.assert(
      fc.property(source, fc.array(fc.nat(1000), { maxLength: 6 }), (written, way) => {
        const matcher = matcherOf({ kind: 'gbnf', source: `root ::= ${written}` }, vocabulary);
        let at = matcher.start;
        for (const choice of way) {
          const allowed = allowedIds(matcher, at).filter((id) => id < ids.length);
          expect(allowed).toEqual(ids.filter((id) => matcher.accept(at, id) !== null));
          if (allowed.length === 0) return;
          at = matcher.accept(at, allowed[choice % allowed.length])!;
        }
      }),
    );
  });

  it('takes the shortest completion when the budget is small, but not when even that is too long', () => {
    const matcher = gbnf('root ::= "[" (root ("," root)*)? "]"');
    const open = matcher.acceptText(matcher.start, '[[')!;
    expect(matcher.tokensToEnd(open)).toBe(2);
    expect(allowedIds(matcher, open, 2)).toEqual([0x5d]);
    expect(allowedIds(matcher, open, 4)).toContain(0x5b);
    expect(allowedIds(matcher, open, 1)).toEqual(allowedIds(matcher, open));
  });

  it('allows the end exactly where the text may end', () => {
    const matcher = gbnf('root ::= "a" "b"?');
    expect(allowedIds(matcher, matcher.start)).toEqual([0x61, 256 + 12]);
    const behind = matcher.accept(matcher.start, 0x61)!;
    expect(allowedIds(matcher, behind)).toEqual([0x62, END_ID]);
    expect(matcher.mustEnd(behind)).toBe(false);
    expect(matcher.mustEnd(matcher.accept(behind, 0x62)!)).toBe(true);
    expect(matcher.accept(behind, 0x61)).toBeNull();
  });

  it('accepts characters that are split over tokens, if they are valid', () => {
    const matcher = gbnf('root ::= [\u00e0-\u00ef]');
    expect(allowedIds(matcher, matcher.start)).toEqual([0xc3]);
    const inside = matcher.accept(matcher.start, 0xc3)!;
    expect(matcher.mayEnd(inside)).toBe(false);
    expect(allowedIds(matcher, inside)).toEqual(Array.from({ length: 16 }, (_, i) => 0xa0 + i));
    const any = gbnf('root ::= .');
    expect(allowedIds(any, any.start)).not.toContain(0xff);
    // No surrogates, overlong encodings or code points beyond Unicode.
    for (const [first, refused] of [
      [0xed, 0xa0],
      [0xe0, 0x9f],
      [0xf0, 0x8f],
      [0xf4, 0x90],
    ]) {
      expect(allowedIds(any, any.accept(any.start, first)!)).not.toContain(refused);
    }
  });

  it('matches any number of texts concurrently', () => {
    const matcher = gbnf('root ::= "a"* "b"');
    const one = matcher.accept(matcher.start, 0x61)!;
    const other = matcher.accept(one, 0x62)!;
    expect(allowedIds(matcher, one)).toContain(0x61);
    expect(matcher.mustEnd(other)).toBe(true);
    // The same position in two texts is one state.
    expect(matcher.accept(one, 0x61)!.state).toBe(one.state);
  });

  it('stays exact when it has seen more states than it remembers', () => {
    // 60,000 states, one after each letter.
    const matcher = gbnf(`root ::= ${'"a"{10000} '.repeat(6)}"b"`);
    expect(matcher.accept(matcher.start, 0x62)).toBeNull();
    const behind = matcher.acceptText(matcher.start, 'a'.repeat(59_999))!;
    // And the token `ab`.
    expect(allowedIds(matcher, behind)).toEqual([0x61, 256 + 12]);
    expect(matcher.accept(behind, 0x62)).toBeNull();
    expect(matcher.acceptText(behind, 'ab')).not.toBeNull();
    expect(allowedIds(matcher, matcher.start)).toEqual([0x61]);
  });

  it('accepts tokens by id', () => {
    const vocabulary = byteVocabulary(['<think>']);
    const matcher = matcherOf({ kind: 'gbnf', source: 'root ::= <[256]> !<[97]> "z"' }, vocabulary);
    expect(allowedIds(matcher, matcher.start)).toEqual([256]);
    const behind = matcher.accept(matcher.start, 256)!;
    expect(allowedIds(matcher, behind)).not.toContain(97);
    expect(allowedIds(matcher, matcher.accept(behind, 98)!)).toEqual([0x7a]);
    expect(() => matcherOf({ kind: 'gbnf', source: 'root ::= <[258]>' }, vocabulary)).toThrow('<[258]>');
  });
});
