import { expect, it } from 'vitest';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { randomStrings } from './random-strings.ts';

/** All of them in the full run. */
const COUNT = process.env.TOKENSCOPE_TEST_FULL === '1' ? 20_000 : 200;
const TIMEOUT_MS = 900_000;
const SEED = 5;
const LONE_SURROGATES = /\p{Surrogate}/gu;

/** Which round trips through tokens are lossless. */
export interface RoundTrip {
  /** The part of a text that survives a round trip; null if that is unknown. Lone surrogates are U+FFFD. */
  readonly kept: ((text: string) => string | null) | null;
  /** Whether a sequence can be decoded in parts, which is not so if decoding adds spaces between tokens. */
  readonly cuts: boolean;
}

/** Tests a tokenizer with random strings, with special tokens parsed or not. */
export function itHoldsOnRandomStrings(current: () => Tokenizer, { kept, cuts }: RoundTrip): void {
  const title = `${COUNT.toLocaleString('en')} random strings`;

  it(
    `tokenizes ${title} deterministically, with consecutive ranges`,
    () => {
      const tokenizer = current();
      const texts = [...randomStrings(COUNT, SEED, tokenizer)];
      const first = texts.map((text, i) => tokenizer.encode(text, { parseSpecial: i % 2 === 1 }));
      // Backwards: caches of other texts must not matter.
      for (let i = texts.length - 1; i >= 0; i--) {
        const pieces = tokenizer.encodePieces(texts[i], { parseSpecial: i % 2 === 1 });
        const ids = pieces.map(({ id }) => id);
        if (ids.join() !== first[i].join()) expect(ids, JSON.stringify(texts[i])).toEqual(first[i]);
        let [start, end] = [0, 0];
        for (const { range } of pieces) {
          if (range === null) continue;
          const ordered = range[0] >= start && range[1] >= range[0] && range[1] >= end && range[1] <= texts[i].length;
          if (!ordered) expect.fail(`ranges of ${JSON.stringify(texts[i])}: [${range.join()}] after [${start},${end}]`);
          [start, end] = range;
        }
      }
    },
    TIMEOUT_MS,
  );

  it(
    `decodes the tokens of ${title}${kept ? ' to the strings' : ''}, whole and in parts`,
    () => {
      const tokenizer = current();
      let compared = 0;
      let i = 0;
      for (const text of randomStrings(COUNT, SEED, tokenizer)) {
        const ids = tokenizer.encode(text, { addSpecial: false, parseSpecial: i++ % 2 === 1 });
        const whole = tokenizer.decode(ids, false);
        const expected = kept?.(text.replaceAll(LONE_SURROGATES, '\ufffd')) ?? null;
        if (expected !== null) {
          compared++;
          if (kept?.(whole) !== expected) expect(whole, ids.join()).toBe(expected);
        }
        const wrong = cutThatMatters(tokenizer, ids, whole, cuts);
        if (wrong !== null) expect.fail(`${JSON.stringify(text)} = ${ids.join()}: ${wrong}`);
      }
      if (kept) expect(compared).toBeGreaterThan(COUNT / 4);
    },
    TIMEOUT_MS,
  );
}

/** The difference when decoding token by token or in two parts; null if there is none. */
function cutThatMatters(tokenizer: Tokenizer, ids: readonly number[], whole: string, cuts: boolean): string | null {
  const stream = tokenizer.stream({ skipSpecial: false });
  let shown = '';
  for (const [i, id] of ids.entries()) {
    shown += stream.push(id);
    if (!whole.startsWith(shown)) return `token ${i} makes it ${JSON.stringify(shown)}`;
    const beginning = tokenizer.decode(ids.slice(0, i + 1), false);
    if (stream.pending ? !beginning.startsWith(shown) : beginning !== shown) {
      return `after token ${i} it is ${JSON.stringify(shown)}, not ${JSON.stringify(beginning)}`;
    }
    if (!cuts || stream.pending) continue;
    const rest = tokenizer.stream({ skipSpecial: false, continues: true });
    let text = shown;
    for (const next of ids.slice(i + 1)) text += rest.push(next);
    text += rest.flush();
    if (text !== whole) return `cut after token ${i} it is ${JSON.stringify(text)}`;
  }
  const end = shown + stream.flush();
  return end === whole ? null : `at the end it is ${JSON.stringify(end)}`;
}
