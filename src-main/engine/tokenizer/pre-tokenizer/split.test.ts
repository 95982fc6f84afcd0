import { describe, expect, it } from 'vitest';
import { AlignedText } from '../aligned-text.ts';
import { JsonPart } from '../json-part.ts';
import { preTokenizerFromJson } from './from-json.ts';
import { forEachWord } from './pre-tokenizer.ts';

function words(text: string, ...steps: object[]): string[] {
  const json = { type: 'Sequence', pretokenizers: steps };
  const found: string[] = [];
  forEachWord(
    preTokenizerFromJson(new JsonPart(json, 'tokenizer.json'), false),
    AlignedText.of(text),
    (words, from, to) => found.push(words.text.slice(from, to)),
  );
  return found;
}

const split = (behavior: string, invert = false, pattern: object = { String: '-' }) => ({
  type: 'Split',
  pattern,
  behavior,
  invert,
});

/** The example of Hugging Face's documentation of `SplitDelimiterBehavior`. */
const TEXT = 'the-final--countdown';

describe('Split', () => {
  it.each([
    ['Removed', ['the', 'final', 'countdown']],
    ['Isolated', ['the', '-', 'final', '-', '-', 'countdown']],
    ['MergedWithPrevious', ['the-', 'final-', '-', 'countdown']],
    ['MergedWithNext', ['the', '-final', '-', '-countdown']],
    ['Contiguous', ['the', '-', 'final', '--', 'countdown']],
  ])('%s', (behavior, expected) => {
    expect(words(TEXT, split(behavior))).toEqual(expected);
  });

  it('keeps the matches alone when inverted and removed', () => {
    expect(words(TEXT, split('Removed', true, { Regex: '\\w+' }))).toEqual(['the', 'final', 'countdown']);
    expect(words('--', split('Removed'))).toEqual([]);
    expect(words('', split('Isolated'))).toEqual([]);
  });

  it('splits the words of the previous step without their context', () => {
    const afterDash = split('Isolated', false, { Regex: '(?<=-)\\w' });
    expect(words('a-bc', afterDash)).toEqual(['a-', 'b', 'c']);
    expect(words('a-bc', split('Isolated'), afterDash)).toEqual(['a', '-', 'bc']);
  });
});
