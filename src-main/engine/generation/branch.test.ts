/** A reply that begins with given token ids, and with a given token. */
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { GenerateParams, LanesEvent, LanesPrefill, SamplingParams, StopParams } from '../api/types.ts';
import type { InferenceEngine } from '../index.ts';
import type { ScriptedRun } from '../test-support/scripted-model.ts';
import { reply, tinyEngine } from '../test-support/tiny-engine.ts';
import { byteFallbackTokenizer } from '../tokenizer/test-support/byte-fallback.ts';
import { jointTo } from './continuation.ts';
import type { Prompt } from './prompt.ts';

const QUESTION = 'Once upon a time there was a little girl who';

interface Change {
  sampling?: Partial<SamplingParams>;
  stop?: Partial<StopParams>;
  replyIds?: number[];
  firstToken?: number;
}

function params({ sampling, stop, replyIds, firstToken }: Change = {}): GenerateParams {
  const defaults = defaultGenerateParams({
    kind: 'chat',
    messages: [{ role: 'user', text: QUESTION }],
    ...(replyIds === undefined ? {} : { replyIds }),
  });
  return {
    ...defaults,
    sampling: { ...defaults.sampling, temperature: 0, ...sampling },
    stop: { ...defaults.stop, maxTokens: 80, repetitionWindow: 0, ...stop },
    topCandidates: 20,
    ...(firstToken === undefined ? {} : { firstToken }),
  };
}

let engine: InferenceEngine;
let whole: ScriptedRun;
beforeAll(async () => {
  engine = await tinyEngine();
  whole = await reply(engine, params());
});

const textOf = ({ tokens }: ScriptedRun, from = 0, to?: number) =>
  tokens
    .slice(from, to)
    .map(({ text }) => text)
    .join('');

describe('after token ids of a reply', () => {
  it.each([1, 7, 40])('continues after %d tokens as the whole reply does', async (at) => {
    const ids = whole.end.ids.slice(0, at);
    const rest = await reply(engine, params({ replyIds: ids, stop: { maxTokens: 80 - at } }));
    expect(rest.start.promptIds).toEqual([...whole.start.promptIds, ...ids]);
    expect(rest.end.ids).toEqual(whole.end.ids.slice(at));
    expect(textOf(whole, 0, at) + rest.end.text).toBe(whole.end.text);
    expect(rest.start.segments.at(-1)).toEqual({ role: 'assistant', message: 1, tokens: at, dropped: false });
    expect(rest.tokens.map(({ logprob, rank }) => [logprob, rank])).toEqual(
      whole.tokens.slice(at).map(({ logprob, rank }) => [logprob, rank]),
    );
  });

  it('uses ids that no text is tokenized to', async () => {
    const text = 'girl';
    const letters = [...text].map((letter, i) => {
      const piece = i === 0 ? letter : `##${letter}`;
      for (let id = 0; id < 8000; id++) if (engine.detokenize([id], false).pieces[0] === piece) return id;
      throw new Error(`There is no token ${piece}.`);
    });
    const usual = engine.tokenize({ text, addBos: false, parseSpecial: false }).ids;
    expect(usual).not.toEqual(letters);
    const { start } = await reply(engine, params({ replyIds: letters }));
    expect(start.promptIds.slice(-letters.length)).toEqual(letters);
  });

  it('renders, scores and previews them too', async () => {
    const { prompt, sampling, stop } = params({ replyIds: whole.end.ids.slice(0, 12) });
    if (prompt.kind !== 'chat') throw new Error('not a chat');
    expect(engine.renderChat(prompt).ids).toEqual([...whole.start.promptIds, ...whole.end.ids.slice(0, 12)]);
    const score = await engine.score({ prompt, top: 1, last: 12 });
    score.logprobs.forEach((logprob, i) => expect(logprob).toBeCloseTo(whole.tokens[i]!.logprob, 9));
    const preview = await engine.preview({ prompt, sampling, stop, topCandidates: 20 });
    expect(preview.candidates).toEqual(whole.tokens[12]!.candidates);
  });

  it('refuses an id outside the vocabulary, and a prompt that no longer fits', async () => {
    await expect(reply(engine, params({ replyIds: [8000] }))).rejects.toMatchObject({
      details: { field: 'prompt.replyIds[0]' },
    });
    await expect(reply(engine, params({ replyIds: new Array<number>(1000).fill(5) }))).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
    });
  });
});

describe('a given first token', () => {
  const AT = 30;
  const before = () => whole.end.ids.slice(0, AT);
  const instead = () => whole.tokens[AT]!.candidates[3]!;

  it('is reported with its numbers, and the model continues it', async () => {
    const other = instead();
    const branch = await reply(engine, params({ replyIds: before(), firstToken: other.id }));
    expect(branch.tokens[0]).toMatchObject({
      id: other.id,
      piece: other.piece,
      logprob: other.logprob,
      rank: 4,
      sampledProbability: 0,
      survivors: 1,
      candidates: whole.tokens[AT]!.candidates,
    });
    expect(other.sampledProbability).toBeNull();
    expect(other.removedBy).toBeDefined();
    expect(branch.end.ids).toHaveLength(81);
    expect(branch.end.ids[0]).toBe(other.id);
    const again = await reply(engine, params({ replyIds: [...before(), other.id] }));
    expect(branch.end.ids.slice(1)).toEqual(again.end.ids);
    expect(branch.end.text).toBe(branch.tokens[0]!.text + again.end.text);
  });

  it('needs no prefill: all but the last token of the prompt are in the cache', async () => {
    await reply(engine, params());
    const branch = await reply(engine, params({ replyIds: before(), firstToken: instead().id }));
    expect(branch.start.reusedTokens).toBe(branch.start.promptIds.length - 1);
    // The reply that it branches from is still cached.
    const old = await reply(engine, params({ replyIds: whole.end.ids.slice(0, 79) }));
    expect(old.start.reusedTokens).toBe(old.start.promptIds.length - 1);
  });

  it('that the model would draw anyway gives the same reply', async () => {
    const same = await reply(engine, params({ replyIds: before(), firstToken: whole.end.ids[AT]!, stop: { maxTokens: 49 } })); // prettier-ignore
    expect(same.end.ids).toEqual(whole.end.ids.slice(AT));
  });

  it('may be the first of the reply, and the end of the text', async () => {
    const first = await reply(engine, params({ firstToken: 700, stop: { maxTokens: 3 } }));
    expect(first.end.ids).toHaveLength(4);
    expect(first.end.ids[0]).toBe(700);
    const ended = await reply(engine, params({ replyIds: before(), firstToken: 1 }));
    expect(ended.end).toMatchObject({ ids: [], stop: { reason: 'eos', token: { id: 1 } } });
  });

  it('leaves the random numbers to the tokens that follow', async () => {
    const sampling = { temperature: 1, seed: 5 };
    const given = await reply(engine, params({ sampling, replyIds: before(), firstToken: instead().id }));
    const read = await reply(engine, params({ sampling, replyIds: [...before(), instead().id] }));
    expect(given.end.ids.slice(1)).toEqual(read.end.ids);
  });

  it('is never retracted, although it begins a banned text', async () => {
    const other = instead();
    const banned = { bannedTexts: [other.piece.trim()] };
    const branch = await reply(engine, params({ sampling: banned, replyIds: before(), firstToken: other.id }));
    expect(branch.end.ids[0]).toBe(other.id);
    expect(branch.tokens[0]!.candidates.find(({ id }) => id === other.id)).toMatchObject({ removedBy: 'banned_texts' });
  });

  it('is followed by what the grammar allows, and said to break it', async () => {
    const grammar = { kind: 'gbnf', source: 'root ::= [a-z ]+' } as const;
    const inside = await reply(engine, params({ sampling: { grammar }, firstToken: 700, stop: { maxTokens: 5 } }));
    expect(inside.start.notices).toEqual([]);
    const [digit] = engine.tokenize({ text: '7', addBos: false, parseSpecial: false }).ids;
    const broken = await reply(engine, params({ sampling: { grammar }, firstToken: digit!, stop: { maxTokens: 5 } }));
    expect(broken.start.notices[0]).toContain('The chosen token does not follow the grammar');
    expect(textOf(broken, 1)).toMatch(/^[a-z ]+$/);
  });

  it.each<Partial<SamplingParams>>([{}, { mirostat: 2 }, { xtcProbability: 0.5 }])(
    'leaves the grammar where it leads in a preview, although the text before breaks it: %o',
    async (change) => {
      const grammar = { kind: 'gbnf', source: 'root ::= " "? "girl" [a-z ]+' } as const;
      const sampling = { temperature: 1, seed: 5, grammar, ...change };
      const [girl] = engine.tokenize({ text: 'girl', addBos: false, parseSpecial: false }).ids;
      const asked = params({
        sampling,
        replyIds: before(),
        firstToken: girl!,
        stop: { maxTokens: 8, ignoreEos: true },
      });
      const branch = await reply(engine, asked);
      expect(branch.start.notices).toEqual([expect.stringContaining('The reply so far does not follow the grammar')]);
      expect(branch.end.ids).toHaveLength(9);
      const { prompt, stop, topCandidates } = asked;
      for (let index = 1; index < branch.end.ids.length; index++) {
        const { token, draw, candidates } = await engine.preview({
          ...{ prompt, sampling: asked.sampling, stop, topCandidates, firstToken: girl! },
          reply: branch.end.ids.slice(1, index),
          token: branch.end.ids[index]!,
        });
        const { id, sampledProbability, candidates: reported } = branch.tokens[index]!;
        expect(token?.removedBy).toBeUndefined();
        expect([token?.sampledProbability, draw?.id]).toEqual([sampledProbability, id]);
        expect(candidates).toEqual(reported);
      }
    },
  );

  it('is the same in a lane, and further branches of the lane need no prefill', async () => {
    const other = await tinyEngine();
    const sampling = { temperature: 1, seed: 5 };
    const branch = params({ sampling, replyIds: before(), firstToken: instead().id, stop: { maxTokens: 20 } });
    const prefills: LanesPrefill[] = [];
    for (const replyIds of [before(), before().slice(0, 12)]) {
      const { prompt } = params({ replyIds });
      const events: LanesEvent[] = [];
      for await (const event of other.generateLanes([{ params: { ...branch, prompt } }])) events.push(event);
      prefills.push(...events.filter((event) => event.type === 'prefill'));
      const end = events.flatMap((event) => (event.type === 'lane' && event.event.type === 'end' ? [event.event] : []));
      expect(end[0]?.ids).toEqual((await reply(engine, { ...branch, prompt })).end.ids);
    }
    const [first, second] = prefills;
    expect(first).toMatchObject({ sharedTokens: whole.start.promptIds.length + AT - 1, reusedTokens: 0 });
    expect(second).toMatchObject({
      sharedTokens: whole.start.promptIds.length + 11,
      reusedTokens: second!.sharedTokens,
    });
  });

  it('needs no prefill in a lane after a preview of the token', async () => {
    const { prompt, sampling, stop } = params({ replyIds: before() });
    const other = await tinyEngine();
    await other.preview({ prompt, sampling, stop, topCandidates: 0 });
    const branch = params({ replyIds: before(), firstToken: instead().id, stop: { maxTokens: 1 } });
    for await (const event of other.generateLanes([{ params: branch }])) {
      if (event.type === 'prefill')
        expect(event).toMatchObject({ reusedTokens: event.sharedTokens, computedTokens: 1 });
    }
  });

  it('is refused outside the vocabulary', async () => {
    const refused = { code: 'BAD_REQUEST', details: { field: 'firstToken' } };
    await expect(reply(engine, params({ firstToken: 8000 }))).rejects.toMatchObject(refused);
    const { useKvCache: _, ...asked } = params({ firstToken: 8000 });
    await expect(engine.preview(asked)).rejects.toMatchObject(refused);
  });
});

it('completes a character that the ids begin', () => {
  const pieces = ['<unk>', '▁the', '<0xE2>', '<0x82>', '<0xAC>', 's'];
  const tokenizer = byteFallbackTokenizer(pieces);
  const replyIds = [1, 2, 3];
  const prompt = { kind: 'chat', messages: [{ role: 'user', text: '' }], replyIds } as const;
  const joint = jointTo({ prompt: { ...prompt, messages: [...prompt.messages] } }, { ids: [0, ...replyIds] } as Prompt, tokenizer); // prettier-ignore
  // Bytes are shown when it is certain that no other follows.
  expect([4, 5].map((id) => joint.stream.push(id))).toEqual(['', '€s']);
});
