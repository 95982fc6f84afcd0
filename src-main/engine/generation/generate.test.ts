/** The loop with a scripted model. `engine/index.test.ts` tests what needs real numbers. */
import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import { EngineError } from '../api/errors.ts';
import { SCRIPTED_EOS, ScriptedEngine, testPlatform, type Script } from '../test-support/scripted-model.ts';
import type { GenerateParams, StopParams } from '../api/types.ts';

const vocabulary = ['<BOS>', '<EOS>', '<UNK>', 'a', 'b', 'c', 'd'];

/** Counts up through a, b, c, d, a, ... */
const counting = (ids: readonly number[]): number => 3 + ((ids.length - 1) % 4);

function params(stop: Partial<StopParams> = {}, text = '', change?: Partial<GenerateParams>): GenerateParams {
  const defaults = defaultGenerateParams({ kind: 'text', text });
  return { ...defaults, stop: { ...defaults.stop, ...stop }, ...change };
}

function engine(script: Partial<Script> = {}, platform = testPlatform()): ScriptedEngine {
  return new ScriptedEngine({ vocabulary, next: counting, ...script }, platform);
}

describe('stop conditions', () => {
  it('eos: the token is reported and not part of the ids', async () => {
    const { end, tokens } = await engine({ next: (ids) => (ids.length < 4 ? 3 : SCRIPTED_EOS) }).run(params());
    expect(end.stop).toEqual({ reason: 'eos', token: { id: 1, piece: '<EOS>' } });
    expect(end.ids).toEqual([3, 3, 3]);
    expect(tokens).toHaveLength(3);
  });

  it('ignoreEos: every end-of-text token is masked', async () => {
    const script = { next: () => SCRIPTED_EOS, eosTokenIds: [SCRIPTED_EOS, 3] };
    const { end } = await engine(script).run(params({ ignoreEos: true, maxTokens: 20 }));
    expect(end.stop.reason).toBe('max_tokens');
    expect(end.ids).not.toContain(SCRIPTED_EOS);
    expect(end.ids).not.toContain(3);
    expect(end.ids).toHaveLength(20);
  });

  it('stop_string: truncated before it, ids end with the last visible token', async () => {
    const { end, tokens } = await engine().run(params({ stopStrings: ['cd', 'x'] }));
    expect(end).toMatchObject({ ids: [3, 4], text: 'ab', contextUsed: 3 });
    expect(end.stop).toEqual({ reason: 'stop_string', stopString: 'cd' });
    expect(tokens.map(({ text }) => text).join('')).toBe(end.text);
  });

  it('repetition: the default of the model, or of the request', async () => {
    const byModel = await engine({ repetitionWindow: 4 }).run(params());
    expect(byModel.end.stop).toEqual({ reason: 'repetition', window: 4, loop: { period: 4, tokens: 8 } });
    expect(byModel.end.ids).toHaveLength(8);
    const off = await engine({ repetitionWindow: 4 }).run(params({ repetitionWindow: 0, maxTokens: 20 }));
    expect(off.end.stop.reason).toBe('max_tokens');
    const byRequest = await engine({ next: () => 3 }).run(params({ repetitionWindow: 1 }));
    expect(byRequest.end).toMatchObject({ ids: [3, 3], stop: { reason: 'repetition' } });
  });

  it('max_tokens: exactly as many, and none at all without running the model', async () => {
    const { end } = await engine().run(params({ maxTokens: 7 }));
    expect(end.ids).toHaveLength(7);
    expect(end.stop).toEqual({ reason: 'max_tokens', maxTokens: 7 });
    const idle = engine();
    expect((await idle.run(params({ maxTokens: 0 }))).end).toMatchObject({ ids: [], stop: { reason: 'max_tokens' } });
    expect(idle.batches).toEqual([]);
  });

  it('context_full: prompt and reply together never exceed the window', async () => {
    const { end } = await engine({ contextSize: 10 }).run(params({}, 'a b'));
    expect(end.ids).toHaveLength(7);
    expect(end.contextUsed).toBe(10);
    expect(end.stop).toEqual({ reason: 'context_full', promptTokens: 3, contextSize: 10 });
    const full = await engine({ contextSize: 3 }).run(params({}, 'a b'));
    expect(full.end).toMatchObject({ ids: [], stop: { reason: 'context_full' }, contextUsed: 3 });
    await expect(engine({ contextSize: 3 }).run(params({}, 'a b c'))).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
      message: expect.stringContaining('Shorten it by at least 2 tokens.'),
      details: { promptTokens: 4, contextSize: 3, model: 'Scripted' },
    });
  });

  it('time_limit: after a token, and during the prompt', async () => {
    const platform = testPlatform();
    const slow = engine({ onRun: () => (platform.clock.time += 100) }, platform);
    const { end } = await slow.run(params({ timeLimitMs: 450 }));
    expect(end.ids).toHaveLength(4);
    expect(end.stop).toEqual({ reason: 'time_limit', timeLimitMs: 450, tokens: 4 });

    const early = await slow.run(params({ timeLimitMs: 50 }, 'd d d'));
    expect(early.end).toMatchObject({ ids: [], stop: { reason: 'time_limit' }, timings: { timeToFirstTokenMs: null } });
  });

  it('user: within one token, keeping the text', async () => {
    const cancel = { cancelled: false };
    let runs = 0;
    const { end } = await engine({ onRun: () => void (cancel.cancelled = ++runs === 5) }).run(params(), cancel);
    expect(end.ids).toHaveLength(4);
    expect(end.stop).toEqual({ reason: 'user', tokens: 4 });
  });

  it('error: keeps the text, and reports the code', async () => {
    let runs = 0;
    const failing = engine({
      onRun: () => {
        if (++runs === 4) throw new EngineError('OUT_OF_MEMORY', 'No memory left.', { bytes: 9 });
      },
    });
    const { end } = await failing.run(params());
    expect(end).toMatchObject({ text: 'abc', ids: [3, 4, 5] });
    const error = { code: 'OUT_OF_MEMORY', message: 'No memory left.', details: { bytes: 9 } };
    expect(end.stop).toEqual({ reason: 'error', tokens: 3, error });
    expect(failing.platform.warnings).toEqual(['A reply failed.']);
  });

  it('reports the first in the documented order when several are met at once', async () => {
    const platform = testPlatform();
    let fedAll = false;
    const cancel = {
      get cancelled(): boolean {
        return fedAll;
      },
    };
    const reasonOf = async (stop: Partial<StopParams>, contextSize: number): Promise<string> => {
      // Eight tokens are drawn; only then the time is up and the user stops, both noticed after the eighth.
      let drawn = 0;
      fedAll = false;
      const next = (ids: readonly number[]): number => {
        if (++drawn === 8) {
          fedAll = true;
          platform.clock.time += 1000;
        }
        return counting(ids);
      };
      return (await engine({ next, contextSize }, platform).run(params(stop), cancel)).end.stop.reason;
    };
    const stop = { stopStrings: ['dabcd'], repetitionWindow: 4, maxTokens: 8, timeLimitMs: 500 };
    expect(await reasonOf(stop, 9)).toBe('stop_string');
    expect(await reasonOf({ ...stop, stopStrings: [] }, 9)).toBe('repetition');
    expect(await reasonOf({ maxTokens: 8, timeLimitMs: 500 }, 9)).toBe('max_tokens');
    expect(await reasonOf({ timeLimitMs: 500 }, 9)).toBe('context_full');
    expect(await reasonOf({ timeLimitMs: 500 }, 50)).toBe('time_limit');
    expect(await reasonOf({}, 50)).toBe('user');
  });
});

describe('held-back text', () => {
  it('is shown when the reply ends otherwise', async () => {
    const { end, tokens } = await engine().run(params({ stopStrings: ['cdX'], maxTokens: 4 }));
    expect(end).toMatchObject({ text: 'abcd', ids: [3, 4, 5, 6], stop: { reason: 'max_tokens' } });
    expect(tokens.map(({ id, text }) => [id, text])).toEqual([
      [3, 'a'],
      [4, 'b'],
      [5, 'c'],
      [6, 'd'],
    ]);
  });

  it('reports a stop string that was undecided until the end', async () => {
    const { end } = await engine().run(params({ stopStrings: ['bcdX', 'cd'], maxTokens: 4 }));
    expect(end).toMatchObject({ text: 'ab', stop: { reason: 'stop_string', stopString: 'cd' } });
  });
});

describe('prompt and cache', () => {
  const long = Array.from({ length: 300 }, () => 'a').join(' ');

  it('prefills the prompt in slices and then decodes token by token', async () => {
    const sliced = engine({ contextSize: 1000 });
    const { end } = await sliced.run(params({ maxTokens: 3 }, long));
    expect(sliced.batches).toEqual([256, 45, 1, 1]);
    expect(end.ids).toHaveLength(3);
  });

  it('prefills in shorter slices if cancelling arrives as a message between them', async () => {
    const sliced = engine({ contextSize: 1000 }, testPlatform(true));
    await sliced.run(params({ maxTokens: 2 }, long));
    expect(sliced.batches).toEqual([128, 128, 45, 1]);
  });

  it('recomputes everything at every step without the cache', async () => {
    const uncached = engine();
    const { start } = await uncached.run(params({ maxTokens: 3 }, 'a b', { useKvCache: false }));
    expect(uncached.batches).toEqual([3, 4, 5]);
    expect(start.reusedTokens).toBe(0);
  });

  it('reuses the longest common prefix in the next request', async () => {
    const cached = engine();
    await cached.run(params({ maxTokens: 3 }, 'a b c'));
    const { start } = await cached.run(params({ maxTokens: 1 }, 'a b d'));
    expect(start.reusedTokens).toBe(3);
    expect(cached.batches.at(-1)).toBe(1);
    // The same prompt again: the last token is run for its logits.
    expect((await cached.run(params({ maxTokens: 1 }, 'a b d'))).start.reusedTokens).toBe(3);
  });

  it('keeps the slices before a cancelled one, and nothing of the cancelled one', async () => {
    const cancel = { cancelled: false };
    let runs = 0;
    const cut = engine({ contextSize: 1000, onRun: () => void (++runs === 2 && (cancel.cancelled = true)) });
    const { end } = await cut.run(params({}, long), cancel);
    expect(end).toMatchObject({ ids: [], stop: { reason: 'user' } });
    expect(cut.context.length).toBe(256);
    expect((await cut.run(params({ maxTokens: 1 }, long))).start.reusedTokens).toBe(256);
  });

  it('ends at once when cancelled before it starts', async () => {
    const idle = engine();
    const { end } = await idle.run(params(), { cancelled: true });
    expect(end).toMatchObject({ ids: [], stop: { reason: 'user' } });
    expect(idle.batches).toEqual([]);
  });
});

describe('yielding to the host', () => {
  it('yields when 16 ms have passed', async () => {
    const platform = testPlatform();
    await engine({ onRun: () => (platform.clock.time += 6) }, platform).run(params({ maxTokens: 10 }));
    expect(platform.yields).toBe(3);
  });

  it('yields after every token if cancelling arrives as a message', async () => {
    const platform = testPlatform(true);
    const cancel = { cancelled: false };
    setImmediate(() => (cancel.cancelled = true));
    const { end } = await engine({ contextSize: 5000 }, platform).run(params({ maxTokens: 4000 }), cancel);
    expect(end.stop.reason).toBe('user');
    expect(end.ids.length).toBeLessThanOrEqual(2);
  });
});

it('measures prefill, first token, latencies and rates', async () => {
  const platform = testPlatform();
  const timed = engine({ onRun: (tokens) => (platform.clock.time += tokens * 10) }, platform);
  const { end, tokens } = await timed.run(params({ maxTokens: 5 }, 'a b c'));
  expect(end.timings).toEqual({
    loadMs: 0,
    prefillMs: 40,
    timeToFirstTokenMs: 40,
    prefillTokensPerSecond: 100,
    decodeTokensPerSecond: 100,
    totalMs: 80,
  });
  expect(tokens.map(({ latencyMs }) => latencyMs)).toEqual([40, 10, 10, 10, 10]);
});

describe('the context window in events', () => {
  it('start: number of tokens that the model can choose from', async () => {
    expect((await engine().run(params({ maxTokens: 1 }))).start.vocabularySize).toBe(vocabulary.length);
  });
});

describe('a model with NaN logits', () => {
  it('are the reported error, rather than the settings', async () => {
    const nan = engine({ logits: () => new Float32Array(vocabulary.length).fill(NaN) });
    expect((await nan.run(params())).end.stop).toMatchObject({
      reason: 'error',
      tokens: 0,
      error: { code: 'INTERNAL', message: expect.stringContaining('logits are not numbers') as string },
    });
  });
});

describe('a search through dead ends', () => {
  it('lets the host receive a Stop that comes as a message', async () => {
    const platform = testPlatform(true);
    const cancel = { cancelled: false };
    const { yieldToHost } = platform;
    platform.yieldToHost = () => {
      cancel.cancelled = platform.yields === 20;
      return yieldToHost();
    };
    // Only a can be generated, and eight of them are banned: the reply retracts one after the other and fails. After 17
    // yields of the tokens before, the rest are for these dead ends.
    const asked = params({ maxTokens: 40, ignoreEos: true });
    asked.sampling = { ...asked.sampling, bannedTexts: ['aaaaaaaa', 'b', 'c', 'd'] };
    const logits = () => Float32Array.of(-Infinity, 0, 0, 1, 0, 0, 0);
    expect((await engine({ logits }, testPlatform(true)).run(asked)).end.stop).toMatchObject({
      error: { code: 'BAD_REQUEST' },
    });
    expect((await engine({ logits }, platform).run(asked, cancel)).end.stop.reason).toBe('user');
  });
});

describe('prefill', () => {
  const slow = { ...testPlatform(), yieldEveryToken: true };

  it('reports its progress after each slice but the last, with what was reused', async () => {
    const scripted = engine({ contextSize: 1000 }, slow);
    const progress = async (text: string) => {
      const events: [number, number][] = [];
      for await (const event of scripted.events(params({ maxTokens: 1 }, text))) {
        if (event.type === 'prefill') events.push([event.done, event.total]);
      }
      return events;
    };
    const text = Array.from({ length: 299 }, () => 'a').join(' ');
    // With BOS, in slices of 128.
    expect(await progress(text)).toEqual([
      [128, 300],
      [256, 300],
    ]);
    expect(await progress(`${text} ${'b '.repeat(200).trim()}`)).toEqual([[428, 500]]);
    expect(await progress('b c d')).toEqual([]);
  });
});
