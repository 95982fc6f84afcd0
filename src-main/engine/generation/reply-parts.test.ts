import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GeneratedToken } from '../api/types.ts';
import { ReplyParts } from './reply-parts.ts';

const MARKS = { open: '<think>', close: '</think>' };
const INITIAL = { answer: 'a', reasoning: 'r', reasoning_mark: 'm' } as const;

function token(text: string, id: number): GeneratedToken {
  return {
    ...{ id, piece: text, text, part: 'answer', logprob: 0, rank: 1 },
    ...{ sampledProbability: 1, candidates: [], survivors: 1, latencyMs: 0 },
  };
}

/** `part:text` of each token, and how many were released at once before the end. */
function read(texts: readonly string[], marks: typeof MARKS | null = MARKS, turnBeginning = '') {
  const parts = new ReplyParts(marks, turnBeginning);
  const early = texts.map((text, i) => parts.push(token(text, i), text));
  const all = [...early.flat(), ...parts.finish()];
  return { all, early: early.map((released) => released.length), shown: all.map(show) };
}

const show = ({ part, text }: GeneratedToken) => `${INITIAL[part]}:${text}`;
const textOf = (tokens: readonly GeneratedToken[], part: GeneratedToken['part']) =>
  tokens.map((each) => (each.part === part ? each.text : '')).join('');

describe('ReplyParts', () => {
  it('separates reasoning at the start from the answer, however the marks are tokenized', () => {
    const expected = ['m:<think>', 'r:Hm', 'm:</think>', 'a:Yes'];
    expect(read(['<think>', 'Hm', '</think>', 'Yes']).shown).toEqual(expected);
    expect(read(['\n', '<th', 'ink>', 'H', 'm', '</', 'think', '>', 'Yes']).shown).toEqual([
      'a:\n',
      'm:<th',
      'm:ink>',
      'r:H',
      'r:m',
      'm:</',
      'm:think',
      'm:>',
      'a:Yes',
    ]);
  });

  it('holds tokens back only while they may be the beginning of a mark', () => {
    expect(read(['<th', 'us', 'x']).early).toEqual([0, 2, 1]);
    expect(read(['<think>', 'a', '</', 'b', '</think>', 'c']).early).toEqual([1, 1, 0, 2, 1, 1]);
    expect(read(['<', 'thin']).shown).toEqual(['a:<', 'a:thin']);
  });

  it('counts a token as reasoning or answer if it contains more than the mark', () => {
    expect(read(['<think>Hm', ' ok</think>', ' Yes']).shown).toEqual(['r:<think>Hm', 'r: ok</think>', 'a: Yes']);
    expect(read(['<think>\n', '</think>\n\n', 'Yes']).shown).toEqual(['m:<think>\n', 'm:</think>\n\n', 'a:Yes']);
  });

  it('recognises that the prompt has opened or closed the reasoning', () => {
    expect(read(['Hm', '</think>', 'Yes'], MARKS, 'assistant\n<think>\n').shown).toEqual([
      'r:Hm',
      'm:</think>',
      'a:Yes',
    ]);
    expect(read(['Yes ', '<thi', 'nk>'], MARKS, '<think>\n\n</think>\n\n').shown).toEqual([
      'a:Yes ',
      'a:<thi',
      'a:nk>',
    ]);
    expect(read(['<thi', 'nk>', 'x'], MARKS, '<think></think>').shown).toEqual(['a:<thi', 'a:nk>', 'a:x']);
  });

  it('accepts a mark inside an answer only if it is a single token', () => {
    expect(read(['The ', '<thi', 'nk>', ' tag']).shown).toEqual(['a:The ', 'a:<thi', 'a:nk>', 'a: tag']);
    expect(read(['Yes', '<think>', 'no', '</think>', 'ok']).shown).toEqual([
      'a:Yes',
      'm:<think>',
      'r:no',
      'm:</think>',
      'a:ok',
    ]);
  });

  it('passes everything on as the answer if a model has no marks', () => {
    const { early, shown } = read(['<think>', 'a'], null);
    expect([early, shown]).toEqual([
      [1, 1],
      ['a:<think>', 'a:a'],
    ]);
  });

  it('keeps every token, in order, and finds the same parts however the text is split', () => {
    const words = fc.array(fc.constantFrom('a', ' b', '\n', '<', '/', '<th', 'think', '>', 'é'), { maxLength: 8 });
    const joined = words.map((list) => `x${list.join('')}`);
    fc.assert(
      fc.property(joined, joined, fc.infiniteStream(fc.integer({ min: 1, max: 5 })), (reasoning, answer, sizes) => {
        fc.pre(!`${reasoning}<`.includes('</think>') && !answer.includes('<think>'));
        // Marks start and end at token boundaries, otherwise a token would belong to two parts.
        const texts = ['<think>', reasoning, '</think>', answer].flatMap((text) => {
          const cut: string[] = [];
          for (let at = 0; at < text.length;) {
            const size = sizes.next().value!;
            cut.push(text.slice(at, at + size));
            at += size;
          }
          return cut;
        });
        const { all } = read(texts);
        expect(all.map(({ id }) => id)).toEqual(texts.map((_, i) => i));
        expect(textOf(all, 'reasoning')).toBe(reasoning);
        expect(textOf(all, 'answer')).toBe(answer);
        expect(textOf(all, 'reasoning_mark')).toBe('<think></think>');
      }),
    );
  });
});
