/** Counts computed prompt tokens: those that the window holds or held before are reused. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { defaultGenerateParams, type GenerateParams, type InferenceEngine, type LanesEvent } from '../index.ts';
import { reply, tinyEngine } from '../test-support/tiny-engine.ts';
import type { PromptInput } from '../api/types.ts';

const BEGINNING =
  'Once upon a time there was a little girl who liked to play with her red ball in the garden every day';
const EDITED = BEGINNING.replace('garden', 'park');

let engine: InferenceEngine;
beforeAll(async () => {
  engine = await tinyEngine();
});
afterAll(() => engine.unload());

function greedy(prompt: PromptInput, maxTokens = 8): GenerateParams {
  const params = defaultGenerateParams(prompt);
  return {
    ...params,
    sampling: { ...params.sampling, temperature: 0 },
    stop: { ...params.stop, maxTokens, ignoreEos: true, repetitionWindow: 0 },
  };
}

async function computed(prompt: PromptInput): Promise<number> {
  const { start } = await reply(engine, greedy(prompt));
  return start.promptIds.length - start.reusedTokens;
}

const text = (content: string): PromptInput => ({ kind: 'text', text: content });

function lengthOf(content: string): number {
  return engine.tokenize({ text: content, addBos: true, parseSpecial: false }).ids.length;
}

/** Length of the common prefix of two texts in tokens. */
function common(a: string, b: string): number {
  const [first, second] = [a, b].map(
    (content) => engine.tokenize({ text: content, addBos: true, parseSpecial: false }).ids,
  );
  const different = first.findIndex((id, i) => id !== second[i]);
  return different === -1 ? first.length : different;
}

describe('tokens that are computed', () => {
  beforeEach(async () => {
    // The cache is empty.
    const files = await tinyEngine();
    await engine.unload();
    engine = files;
  });

  it('of the next turn are the new ones', async () => {
    const first = await reply(engine, greedy(text(BEGINNING)));
    expect(first.start.reusedTokens).toBe(0);
    const longer = [...first.start.promptIds, ...first.end.ids, 100, 101, 102];
    // The last drawn token was not run.
    expect(await computed({ kind: 'ids', ids: longer })).toBe(4);
  });

  it('of an edited turn are those from the edit on', async () => {
    await computed(text(BEGINNING));
    expect(await computed(text(EDITED))).toBe(lengthOf(EDITED) - common(BEGINNING, EDITED));
  });

  it('of the chat are just the last one after its text was scored, inspected and previewed', async () => {
    const prompt = text(BEGINNING);
    const { start } = await reply(engine, greedy(prompt, 1));
    await engine.score({ prompt: text('Another text'), top: 0 });
    expect(await computed(prompt)).toBe(1);
    await engine.inspect({ ...greedy(text('The cat sat'), 2), topCandidates: 3 });
    expect(await computed(prompt)).toBe(1);
    await engine.preview({ ...greedy(prompt, 2), topCandidates: 3 });
    expect(await computed({ kind: 'ids', ids: start.promptIds })).toBe(1);
  });

  it('of lanes with a common prefix are those after it, and the chat is still cached', async () => {
    await computed(text(BEGINNING));
    const ends = [' and', ' but', ' when'];
    const started: number[] = [];
    const requests = ends.map((end) => ({ params: greedy(text(BEGINNING + end), 4) }));
    const prefills: LanesEvent[] = [];
    for await (const each of engine.generateLanes(requests)) {
      if (each.type === 'prefill') prefills.push(each);
      else if (each.event.type === 'start') started.push(each.event.promptIds.length - each.event.reusedTokens);
    }
    const beginning = Math.min(...ends.map((end) => common(BEGINNING, BEGINNING + end)));
    const computedTokens = ends.reduce((sum, end) => sum + lengthOf(BEGINNING + end) - beginning, 0);
    expect(prefills).toMatchObject([
      { type: 'prefill', sharedTokens: beginning, reusedTokens: beginning, computedTokens },
    ]);
    expect(started).toEqual(ends.map((end) => lengthOf(BEGINNING + end) - beginning));
    expect(await computed(text(BEGINNING))).toBe(1);
  });
});
