import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { unpackTokens } from '../protocol/engine/unpack-tokens.ts';
import {
  DEFAULT_SAMPLER_ORDER,
  defaultGenerateParams,
  InferenceEngine,
  type GenerateParams,
  type InsideQuery,
  type InspectParams,
} from './index.ts';
import { memoryModelFiles, nodeModelFiles, TINY_TRANSFORMER_DIR } from './test-support/model-files.ts';
import { nodePlatform, reply, tinyEngine } from './test-support/tiny-engine.ts';

interface Golden {
  trace: { text: string; ids: number[]; attention: number[][][][] };
  full_window: { ids: number[]; top5_at_999: [number, number][]; mean_nll: number };
}
const golden = JSON.parse(readFileSync(new URL('./fixtures/golden.json', import.meta.url), 'utf8')) as Golden;

let engine: InferenceEngine;
beforeAll(async () => {
  engine = await tinyEngine();
});

function params(text: string, change: Partial<GenerateParams> = {}): GenerateParams {
  const defaults = defaultGenerateParams({ kind: 'text', text });
  defaults.sampling.temperature = 0;
  return { ...defaults, ...change };
}

function inspectParams(text: string, maxTokens = 3): InspectParams {
  const { prompt, sampling, stop } = params(text);
  return { prompt, sampling: { ...sampling, seed: 1 }, stop: { ...stop, maxTokens }, topCandidates: 10 };
}

describe('loading', () => {
  it('refuses every request before it, with NO_MODEL', async () => {
    const empty = new InferenceEngine(nodePlatform());
    const noModel = expect.objectContaining({ code: 'NO_MODEL' });
    expect(empty.model).toBeNull();
    expect(() => empty.tokenize({ text: '', addBos: true, parseSpecial: false })).toThrow(noModel);
    expect(() => empty.detokenize([], true)).toThrow(noModel);
    await expect(reply(empty, params('x'))).rejects.toEqual(noModel);
    await expect(empty.score({ prompt: { kind: 'text', text: '' }, top: 0 })).rejects.toEqual(noModel);
    await expect(empty.inspect(inspectParams('x'))).rejects.toEqual(noModel);
    await empty.unload();
  });

  it('describes the model and reports progress', async () => {
    const loading = new InferenceEngine(nodePlatform());
    const phases: string[] = [];
    const info = await loading.load(await nodeModelFiles(TINY_TRANSFORMER_DIR), {
      onProgress: ({ phase }) => phases.push(phase),
    });
    expect(info).toMatchObject({
      id: 'tiny-transformer',
      parameters: 2_448_960,
      contextSize: 1000,
      executor: 'reference',
    });
    expect(info.memoryBytes.kvCache).toBe(2 * 2 * 1000 * 128 * 4);
    expect(loading.model).toEqual(info);
    expect(phases[0]).toBe('header');
    expect(phases.at(-1)).toBe('ready');
  });

  it('keeps the current model when another cannot be loaded, and frees it on unload', async () => {
    const kept = await tinyEngine();
    await expect(kept.load(memoryModelFiles('broken', {}))).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' });
    expect((await reply(kept, params('Hello world'))).end.text).toMatch(/^! How are you/);
    await kept.unload();
    expect(kept.model).toBeNull();
    await expect(reply(kept, params('Hello world'))).rejects.toMatchObject({ code: 'NO_MODEL' });
  });

  it('reports the load time with the first reply only', async () => {
    const loaded = await tinyEngine();
    expect((await reply(loaded, params('Hello'))).end.timings.loadMs).toBe(loaded.model?.loadMs);
    expect((await reply(loaded, params('Hello'))).end.timings.loadMs).toBe(0);
  });
});

describe('tokenize and detokenize', () => {
  it('returns ids, pieces and ranges, and decodes them to the text', () => {
    const tokenized = engine.tokenize({ text: 'Hello world', addBos: true, parseSpecial: false });
    const { ids } = tokenized;
    expect(ids).toEqual([0, 593, 580]);
    expect(unpackTokens(tokenized).map(({ piece, range }) => [piece, range])).toEqual([
      ['<BOS>', null],
      ['Hello', [0, 5]],
      ['world', [6, 11]],
    ]);
    expect(unpackTokens(tokenized, 2, 9).map(({ id }) => id)).toEqual([580]);
    expect(engine.detokenize(ids, true)).toEqual({ text: 'Hello world', pieces: ['<BOS>', 'Hello', 'world'] });
  });

  it('refuses an id outside the vocabulary', () => {
    expect(() => engine.detokenize([5, 8000], true)).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        details: expect.objectContaining({ field: 'ids[1]', max: 7999 }),
      }),
    );
  });
});

describe('generate', () => {
  it('accepts an empty text, which is just the beginning-of-text token', async () => {
    const { start, end } = await reply(engine, params(''));
    expect(start.promptIds).toEqual([0]);
    expect(end.text).not.toBe('');
  });

  it('uses ids unchanged, without BOS', async () => {
    const { start } = await reply(engine, params('', { prompt: { kind: 'ids', ids: [593] } }));
    expect(start.promptIds).toEqual([593]);
  });

  it('refuses a prompt without any token', async () => {
    const none = params('', { prompt: { kind: 'text', text: ' ', addBos: false } });
    await expect(reply(engine, none)).rejects.toMatchObject({ code: 'BAD_REQUEST', details: { field: 'prompt.text' } });
  });

  it('refuses invalid settings before it starts, and still serves later requests', async () => {
    const absurd = params('Hello');
    absurd.sampling.temperature = Number.NaN;
    await expect(reply(engine, absurd)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect((await reply(engine, params('Hello world'))).end.stop.reason).toBe('eos');
  });

  it('continues a chat as one running text and counts the tokens of each message', async () => {
    const messages = [
      { role: 'user' as const, text: 'The dog ran to the garden.' },
      { role: 'assistant' as const, text: 'It' },
    ];
    const chat = await reply(engine, params('', { prompt: { kind: 'chat', messages } }));
    const text = await reply(engine, params('The dog ran to the garden. It'));
    expect(chat.end.text).toBe(text.end.text);
    expect(chat.start.promptIds).toEqual(golden.trace.ids);
    expect(chat.start.segments.map(({ tokens }) => tokens)).toEqual([7, 1]);
  });

  it('drops the oldest turns of a chat that is too long, on request', async () => {
    const messages = Array.from({ length: 100 }, (_, i) => ({
      role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
      text: 'The dog ran to the garden. It barked at the cat.',
    }));
    const chat = { kind: 'chat' as const, messages: messages.slice(0, 99) };
    await expect(reply(engine, params('', { prompt: chat }))).rejects.toMatchObject({ code: 'CONTEXT_FULL' });
    const { start, end } = await reply(engine, params('', { prompt: { ...chat, whenFull: 'drop_oldest' } }));
    expect(start.promptIds.length).toBeLessThanOrEqual(875);
    expect(start.promptIds.length).toBeGreaterThan(840);
    expect(start.segments.filter(({ dropped }) => dropped).length % 2).toBe(0);
    expect(end.ids.length).toBeGreaterThan(0);
  });

  it('serves requests one by one, and the next when a reader stops early', async () => {
    const alone = await reply(engine, params('Hello world'));
    const left: string[] = [];
    const leaving = (async () => {
      for await (const event of engine.generate(params('The cat sat on the'))) {
        left.push(event.type);
        if (left.length === 3) break;
      }
    })();
    const [first, second] = await Promise.all([
      reply(engine, params('Hello world')),
      reply(engine, params('What does a cat say?')),
      leaving,
    ]);
    expect(left).toEqual(['start', 'token', 'token']);
    expect(first.end.text).toBe(alone.end.text);
    expect(second.end.text).toBe('A cat says meow. They smiled at each other.');
  });

  it('ends a request that was cancelled while it waited', async () => {
    const cancel = { cancelled: false };
    const before = reply(engine, params('Hello world'));
    const waiting = reply(engine, params('Hello world'), cancel);
    cancel.cancelled = true;
    expect((await before).end.stop.reason).toBe('eos');
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('score', () => {
  it('agrees with PyTorch over a full window', async () => {
    const { ids, top5_at_999: top5, mean_nll: meanNll } = golden.full_window;
    const result = await engine.score({ prompt: { kind: 'ids', ids }, top: 5 });
    expect(result.logprobs).toHaveLength(999);
    expect(result.ranks).toHaveLength(999);
    expect(result.top).toHaveLength(1000);
    expect(Math.log(result.perplexity!)).toBeCloseTo(meanNll, 4);
    expect(result.top[999].map(([id]) => id)).toEqual(top5.map(([id]) => id));
    result.top[999].forEach(([, logprob], i) => expect(logprob).toBeCloseTo(top5[i][1], 3));
  });

  it('gives each token its rank and log-probability in the list before it', async () => {
    const { ids, logprobs, ranks, top } = await engine.score({
      prompt: { kind: 'text', text: 'Hello world!' },
      top: 100,
    });
    expect(ids).toEqual([0, 593, 580, 3]);
    expect(logprobs).toHaveLength(3);
    for (let i = 0; i < 3; i++) {
      const [id, logprob] = top[i][ranks[i] - 1];
      expect([id, logprob]).toEqual([ids[i + 1], logprobs[i]]);
    }
  });

  it('has no perplexity for a single token', async () => {
    expect(await engine.score({ prompt: { kind: 'text', text: '' }, top: 0 })).toEqual({
      ids: [0],
      logprobs: [],
      ranks: [],
      entropies: [expect.any(Number)],
      top: [[]],
      perplexity: null,
    });
  });

  it('gives the entropy of each distribution, in nats', async () => {
    const prompt = { kind: 'text' as const, text: 'Hello world!' };
    const { entropies } = await engine.score({ prompt, top: 0 });
    expect(entropies).toHaveLength(4);
    const { logits } = await engine.inspect(inspectParams('Hello world!'));
    const highest = Math.max(...logits.values);
    const weights = logits.values.map((logit) => Math.exp(logit - highest));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const entropy = weights.reduce((total, weight) => total - (weight / sum) * Math.log(weight / sum), 0);
    // Both in double precision from the same float32 logits.
    expect(entropies[3]).toBeCloseTo(entropy, 9);
  });

  it('scores the end of a text as it scores the whole, without computing again what the cache has', async () => {
    const { ids } = golden.full_window;
    const prompt = { kind: 'ids' as const, ids: ids.slice(0, 200) };
    const whole = await engine.score({ prompt, top: 2 });
    for (const last of [1, 60, 199, 5000]) {
      const part = await engine.score({ prompt, top: 2, last });
      const scored = Math.min(last, 199);
      expect(part.logprobs).toHaveLength(scored);
      expect(part.top).toEqual(whole.top.slice(-scored - 1));
      // The reference executor adds in the same order, however the text is sliced.
      expect(part.logprobs).toEqual(whole.logprobs.slice(-scored));
      expect(part.ranks).toEqual(whole.ranks.slice(-scored));
      expect(part.entropies).toEqual(whole.entropies.slice(-scored - 1));
    }
    await expect(engine.score({ prompt, top: 2, last: 0 })).rejects.toMatchObject({ details: { field: 'last' } });
  });

  it('refuses what generate refuses, and can be cancelled', async () => {
    const ids = [...golden.full_window.ids, 3];
    await expect(engine.score({ prompt: { kind: 'ids', ids }, top: 5 })).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
    });
    await expect(engine.score({ prompt: { kind: 'ids', ids: [1.5] }, top: 5 })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
    let polls = 0;
    const cancel = {
      get cancelled(): boolean {
        return ++polls > 20;
      },
    };
    const prompt = { kind: 'ids' as const, ids: golden.full_window.ids };
    await expect(engine.score({ prompt, top: 5 }, cancel)).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await reply(engine, params('Hello world'))).end.stop.reason).toBe('eos');
  });
});

describe('inside', () => {
  it('takes nothing from a chat: the next message is computed as if nobody had looked', async () => {
    const text = golden.trace.text;
    const before = await reply(engine, params(text));
    const ids = [...before.start.promptIds, ...before.end.ids];
    const next = () => reply(engine, { ...params(''), prompt: { kind: 'ids', ids: [...ids, 20] } });
    const undisturbed = await next();
    await engine.load(await nodeModelFiles(TINY_TRANSFORMER_DIR));
    await reply(engine, params(text));
    const run = { ids, interventions: [] };
    for (let token = 0; token < ids.length; token++) {
      const { computedTokens } = engine;
      await engine.inside({ ...run, query: { kind: 'logits', token, top: 1 } });
      // One step of the model, from the K and V of the chat.
      if (token < ids.length - 1) expect(engine.computedTokens - computedTokens).toBe(1);
    }
    await engine.inside({ ...run, query: { kind: 'norms', from: 1, to: ids.length } });
    await engine.inside({ ...run, query: { kind: 'attention_maps', layer: 1, size: 10 } });
    const off = { ids, interventions: [{ kind: 'head' as const, layer: 0, head: 3 }] };
    await engine.inside({ ...off, query: { kind: 'lens', token: 4, top: 3 } });
    const after = await next();
    expect(after.end.ids).toEqual(undisturbed.end.ids);
    expect(after.start.reusedTokens).toBe(undisturbed.start.reusedTokens);
    expect(after.tokens.map(({ logprob }) => logprob)).toEqual(undisturbed.tokens.map(({ logprob }) => logprob));
    expect(await engine.releaseInside()).toBeGreaterThan(0);
    expect(await engine.releaseInside()).toBe(0);
  });

  it('answers a question of every kind, also about some of the keys', async () => {
    const ids = golden.trace.ids.slice(0, 5);
    const range = { from: 0, to: 4 };
    const queries: { [K in InsideQuery['kind']]: Extract<InsideQuery, { kind: K }> } = {
      tokens: { kind: 'tokens' },
      embedding: { kind: 'embedding', token: 2, neighbours: 2, ...range },
      positions: { kind: 'positions', layer: 0, ...range },
      attention: { kind: 'attention', layer: 0, head: 0, ...range, keys: { from: 1, to: 3 } },
      attention_maps: { kind: 'attention_maps', layer: 0, size: 2 },
      feed_forward: { kind: 'feed_forward', layer: 0, token: 2, neurons: 1, tokens: 1 },
      layer: { kind: 'layer', layer: 0, ...range },
      norms: { kind: 'norms', ...range },
      logits: { kind: 'logits', token: 2, top: 1 },
      lens: { kind: 'lens', token: 2, top: 1 },
      attribution: { kind: 'attribution', token: 2, target: 3, rival: 4 },
      cache: { kind: 'cache' },
    };
    const asking = (query: InsideQuery) => engine.inside({ ids, interventions: [], query });
    for (const query of Object.values(queries)) expect((await asking(query)).kind).toBe(query.kind);
    expect(await asking(queries.attention)).toMatchObject({ firstKey: 1, context: 4 });
    await expect(asking({ ...queries.attention, keys: { from: 0.5, to: 3 } })).rejects.toThrow('query.keys.from');
  });

  it('refuses what the model does not have', async () => {
    const query = { kind: 'norms', from: 0, to: 1 } as const;
    const asking = (part: object) => engine.inside({ ids: [0], interventions: [], query, ...part });
    await expect(asking({ ids: [] })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(asking({ ids: [8000] })).rejects.toThrow('ids[0]');
    await expect(asking({ interventions: [{ kind: 'attention', layer: 2 }] })).rejects.toThrow(
      'There is no layer 2. The model has 2 layers: 0 to 1.',
    );
    await expect(asking({ interventions: [{ kind: 'token', index: 1, id: 3 }] })).rejects.toThrow(
      'There is no token 1.',
    );
    await expect(asking({ ids: Array<number>(1001).fill(5) })).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
      details: { promptTokens: 1001, contextSize: 1000 },
    });
  });
});

describe('inspect', () => {
  it('returns the ten steps with the numbers of the model', async () => {
    const steps = await engine.inspect(inspectParams(golden.trace.text));
    const tokens = golden.trace.ids.length;
    expect(steps.prompt).toMatchObject({ text: golden.trace.text, ids: golden.trace.ids });
    expect(steps.prompt.tokens.at(-1)).toMatchObject({ piece: 'It', range: [27, 29] });
    for (const part of [steps.tokenEmbedding, steps.positionEmbedding!, steps.embedding]) {
      expect(part.shape).toEqual([tokens, 128]);
    }
    const sum = steps.tokenEmbedding.values[130] + steps.positionEmbedding!.values[130];
    expect(steps.embedding.values[130]).toBeCloseTo(sum, 6);

    expect(steps.layers.map(({ index }) => index)).toEqual([0, 1]);
    steps.layers.forEach(({ attention, attentionOutput, feedForwardHidden, output }, layer) => {
      expect(attention.shape).toEqual([4, tokens, tokens]);
      expect(attentionOutput.shape).toEqual([tokens, 128]);
      expect(feedForwardHidden.shape).toEqual([tokens, 256]);
      expect(output.shape).toEqual([tokens, 128]);
      golden.trace.attention[layer].flat(2).forEach((weight, i) => {
        expect(Math.abs(attention.values[i] - weight)).toBeLessThan(1e-5);
      });
    });
    expect(steps.logits.shape).toEqual([8000]);
  });

  it('returns what each sampler did, the chosen token, and the same reply as generate', async () => {
    const request = inspectParams('Hello world', 5);
    request.sampling.temperature = 0.9;
    const steps = await engine.inspect(request);
    expect(steps.sampling.stages.map(({ stage }) => stage)).toEqual(['mask', ...DEFAULT_SAMPLER_ORDER, 'dist']);
    expect(steps.probabilities).toHaveLength(10);
    expect(steps.loop[0].id).toBe(steps.sampling.chosen.id);
    expect(steps.loop.map(({ step, contextTokens }) => [step, contextTokens])).toEqual([
      [0, 3],
      [1, 4],
      [2, 5],
      [3, 6],
      [4, 7],
    ]);
    const { prompt, sampling, stop } = request;
    const { end } = await reply(engine, params('', { prompt, sampling, stop }));
    expect(steps.reply).toEqual({ ids: end.ids, text: end.text, stop: end.stop });
  });

  it('accepts a prompt that fills the window, and ids, and can be cancelled', async () => {
    const full = { ...inspectParams(''), prompt: { kind: 'ids' as const, ids: golden.full_window.ids.slice(0, 1000) } };
    const steps = await engine.inspect(full);
    expect(steps.reply.stop.reason).toBe('context_full');
    expect(steps.layers[0].attention.shape).toEqual([4, 1000, 1000]);
    expect(steps.prompt.text).toBeNull();
    expect(steps.prompt.tokens[0]).toMatchObject({ piece: '<BOS>', special: true, range: null });
    await expect(engine.inspect(full, { cancelled: true })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
