import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StopDetector, type TokenText } from './stop-detector.ts';

/** Runs a whole reply through a detector; `shown` is the text released after each token. */
function run(stopStrings: string[], texts: string[], rest = '', passedOver: string | null = null, before = '') {
  const detector = new StopDetector<number>(stopStrings, passedOver, before);
  const tokens: TokenText<number>[] = [];
  const shown: string[] = [];
  for (const [i, text] of texts.entries()) {
    const release = detector.push(i, text);
    tokens.push(...release.tokens);
    shown.push(textOf(tokens));
    if (release.stopString !== null) return { tokens, shown, stopString: release.stopString, text: textOf(tokens) };
  }
  const release = detector.finish(rest);
  tokens.push(...release.tokens);
  return { tokens, shown, stopString: release.stopString, text: textOf(tokens) };
}

function textOf(tokens: readonly TokenText<number>[]): string {
  return tokens.map(({ text }) => text).join('');
}

/** The expected result: truncated at the earliest stop string in the whole text. */
function cut(text: string, stopStrings: string[]): string {
  const positions = stopStrings.map((stop) => text.indexOf(stop)).filter((position) => position >= 0);
  return positions.length === 0 ? text : text.slice(0, Math.min(...positions));
}

describe('StopDetector', () => {
  it('releases every token at once without stop strings', () => {
    const detector = new StopDetector<number>([]);
    expect(detector.push(0, 'Hello').tokens).toEqual([{ token: 0, text: 'Hello' }]);
    expect(detector.push(1, '').tokens).toEqual([{ token: 1, text: '' }]);
    expect(detector.finish('')).toEqual({ tokens: [], stopString: null });
  });

  it('finds a stop string across token boundaries and shows nothing of it', () => {
    const result = run(['END'], ['one', ' E', 'N', 'D two']);
    expect(result.shown).toEqual(['one', 'one', 'one', 'one ']);
    expect(result.tokens).toEqual([
      { token: 0, text: 'one' },
      { token: 1, text: ' ' },
    ]);
    expect(result.stopString).toBe('END');
  });

  it('releases held text that turns out not to be a stop string', () => {
    expect(run(['END'], ['E', 'N', 'E', 'x']).shown).toEqual(['', '', 'EN', 'ENEx']);
    expect(run(['END'], ['a', 'EN'])).toMatchObject({ text: 'aEN', stopString: null });
  });

  it('prefers the earliest position, even when a later one is complete first', () => {
    expect(run(['abcd', 'bc'], ['a', 'b', 'c', 'd'])).toMatchObject({ text: '', stopString: 'abcd' });
    expect(run(['abcd', 'bc'], ['a', 'b', 'c', 'x'])).toMatchObject({ text: 'a', stopString: 'bc' });
    expect(run(['abcd', 'bc'], ['a', 'b', 'c'])).toMatchObject({ text: 'a', stopString: 'bc' });
    expect(run(['ab', 'abc'], ['abc'])).toMatchObject({ text: '', stopString: 'ab' });
  });

  it('ends with the last token that adds visible text', () => {
    const result = run(['é'], ['a', '', '', 'é']);
    expect(result.tokens).toEqual([{ token: 0, text: 'a' }]);
    expect(result.shown).toEqual(['a', 'a', 'a', 'a']);
  });

  it('adds the text that the decoder held back to the last token', () => {
    const detector = new StopDetector<number>([]);
    expect(detector.push(0, 'a').tokens).toHaveLength(1);
    expect(detector.push(1, ' ', true).tokens).toEqual([]);
    expect(detector.finish('(').tokens).toEqual([{ token: 1, text: ' (' }]);
    expect(run(['x!'], ['x'], '!')).toMatchObject({ text: '', stopString: 'x!' });
  });

  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 24 });
  const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 4,
  });

  it('truncates at the same position however the text is tokenized', () => {
    fc.assert(
      fc.property(letters, stops, fc.array(fc.nat(24), { maxLength: 10 }), (text, stopStrings, cuts) => {
        const borders = [0, ...cuts.map((at) => Math.min(at, text.length)).sort((a, b) => a - b), text.length];
        const texts = borders.slice(1).map((end, i) => text.slice(borders[i], end));
        const result = run(stopStrings, texts);
        // The detector may stop before the end of the text; its output must be that of the whole text.
        expect(result.text).toBe(cut(text, stopStrings));
        expect(result.stopString !== null).toBe(stopStrings.some((stop) => text.includes(stop)));
        // Shown text is never retracted, and tokens stay in order.
        for (const shown of result.shown) expect(result.text.startsWith(shown)).toBe(true);
        expect(result.tokens.map(({ token }) => token)).toEqual(result.tokens.map((_, i) => i));
      }),
      { numRuns: 2000 },
    );
  });

  it('is correct for every split of every text with two stop strings', () => {
    const text = 'xaabab';
    for (let mask = 0; mask < 1 << (text.length - 1); mask++) {
      const texts = [text[0]];
      for (let i = 1; i < text.length; i++) {
        if (mask & (1 << (i - 1))) texts.push(text[i]);
        else texts[texts.length - 1] += text[i];
      }
      expect(run(['abab', 'bab'], texts)).toMatchObject({ text: 'xa', stopString: 'abab' });
    }
  });
});

describe('a stop string that begins in the text before', () => {
  const after = (before: string, stopStrings: string[], texts: string[]) => run(stopStrings, texts, '', null, before);

  it('ends the reply at its beginning', () => {
    expect(after(' so\n', ['\nUser:'], ['User', ':', ' hi'])).toMatchObject({ text: '', stopString: '\nUser:' });
    expect(after(' so\n', ['\nUser:'], ['', 'User:']).tokens).toEqual([]);
    expect(after(' so\n', ['\nUser:'], ['User', ' hi', '\n', 'User', ':'])).toMatchObject({
      text: 'User hi',
      stopString: '\nUser:',
      shown: ['', 'User hi', 'User hi', 'User hi', 'User hi'],
    });
    expect(after(' so\n', ['\nUser:'], ['User'])).toMatchObject({ text: 'User', stopString: null });
  });

  it('must end in the new text', () => {
    expect(after('END', ['END', 'DE'], ['N', 'D'])).toMatchObject({ text: 'ND', stopString: null });
    expect(after('EN', ['END'], ['x', 'D'])).toMatchObject({ text: 'xD', stopString: null });
  });

  it('does not matter where one is passed over', () => {
    expect(run(['ab', 'ba'], ['ab', 'c'], '', 'ab', 'b')).toMatchObject({ text: 'abc', stopString: null });
  });

  it('truncates at the same position however the text is tokenized', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    const stops = fc.array(fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 5 }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(letters, letters, stops, fc.array(fc.nat(12)), (before, text, stopStrings, cuts) => {
        const borders = [0, ...cuts.map((at) => Math.min(at, text.length)).sort((a, b) => a - b), text.length];
        const result = after(
          before,
          stopStrings,
          borders.slice(1).map((end, i) => text.slice(borders[i], end)),
        );
        const found = stopStrings
          .map((stop) => (before + text).indexOf(stop, Math.max(0, before.length + 1 - stop.length)))
          .filter((position) => position !== -1);
        const end = found.length === 0 ? text.length : Math.max(0, Math.min(...found) - before.length);
        expect(result.text).toBe(text.slice(0, end));
        expect(result.stopString !== null).toBe(found.length > 0);
        for (const shown of result.shown) expect(result.text.startsWith(shown)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a stop string that ended the reply before', () => {
  const goOn = (stopStrings: string[], texts: string[], passedOver = stopStrings[0]) =>
    run(stopStrings, texts, '', passedOver);

  it('is shown if it comes first, and ends the reply if it comes again', () => {
    expect(goOn(['play'], [' pl', 'ay', ' and', ' play', '!'])).toMatchObject({
      text: ' play and ',
      stopString: 'play',
      shown: ['', ' play', ' play and', ' play and '],
    });
    expect(goOn(['play'], ['playground', ' play'])).toMatchObject({ text: 'playground ', stopString: 'play' });
    expect(goOn(['play'], ['playplay'])).toMatchObject({ text: 'play', stopString: 'play' });
    expect(goOn(['\nUser:'], ['\n', '\n', 'User', ':', 'x'])).toMatchObject({ text: '\n\nUser:x', stopString: null });
  });

  it('ends the reply as usual if something else comes first', () => {
    expect(goOn(['play'], [' to', ' play'])).toMatchObject({ text: ' to ', stopString: 'play' });
    expect(goOn(['play'], ['pl', 'us', ' play'])).toMatchObject({ text: 'plus ', stopString: 'play' });
    expect(goOn(['play', '\n'], ['\n', 'play'])).toMatchObject({ text: '', stopString: '\n' });
    expect(goOn(['play', 'ground'], ['play', 'ground'])).toMatchObject({ text: 'play', stopString: 'ground' });
  });

  it('does not hold back text that can no longer become it, nor the rest at the end', () => {
    expect(goOn(['play'], ['p', 'x', 'y']).shown).toEqual(['', 'px', 'pxy']);
    expect(goOn(['play'], [' ', 'pl'])).toMatchObject({ text: ' pl', stopString: null });
    // The stop string was meanwhile removed from the list.
    expect(goOn([], ['play', ' play'], 'play')).toMatchObject({ shown: ['play', 'play play'], stopString: null });
  });

  it('does not depend on how the text is split', () => {
    const text = ' playful play';
    for (let mask = 0; mask < 1 << (text.length - 1); mask++) {
      const texts = [text[0]];
      for (let i = 1; i < text.length; i++) {
        if (mask & (1 << (i - 1))) texts.push(text[i]);
        else texts[texts.length - 1] += text[i];
      }
      expect(goOn(['play', 'ayf'], texts)).toMatchObject({ text: ' playful ', stopString: 'play' });
    }
  });
});
