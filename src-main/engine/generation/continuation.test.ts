/** Continue: the continued reply equals the one that would have been generated without the stop. */
import { beforeAll, describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import type { InferenceEngine } from '../index.ts';
import { SCRIPTED_EOS, ScriptedEngine, type Script } from '../test-support/scripted-model.ts';
import { reply, tinyEngine } from '../test-support/tiny-engine.ts';
import type { Continues, GenerateParams, Stop, StopParams } from '../api/types.ts';

function params(user: string, written: string, stop: Partial<StopParams>, continues?: Continues): GenerateParams {
  const messages = [{ role: 'user' as const, text: user }];
  const all = written === '' ? messages : [...messages, { role: 'assistant' as const, text: written }];
  const defaults = defaultGenerateParams({ kind: 'chat', messages: all });
  return {
    ...defaults,
    sampling: { ...defaults.sampling, temperature: 0 },
    stop: { ...defaults.stop, repetitionWindow: 0, ...stop },
    ...(continues === undefined ? {} : { continues }),
  };
}

const continuesAfter = (stop: Stop): Continues =>
  stop.reason === 'stop_string' ? { reason: stop.reason, stopString: stop.stopString } : { reason: stop.reason };

describe('TinyTransformer, greedy', () => {
  const PROMPT = 'Once upon a time there was a little girl who';
  let engine: InferenceEngine;
  let whole: string;
  beforeAll(async () => {
    engine = await tinyEngine();
    whole = (await reply(engine, params(PROMPT, '', { maxTokens: 60 }))).end.text;
  });

  it.each(['play', 'the', ' and', '.'])('continues after each %j with the same text', async (stopString) => {
    expect(whole.split(stopString).length).toBeGreaterThan(1);
    let text = '';
    let continues: Continues | undefined;
    let rounds = 0;
    for (; text.length < whole.length && rounds < 40; rounds++) {
      const { end } = await reply(
        engine,
        params(PROMPT, text, { maxTokens: 60, stopStrings: [stopString] }, continues),
      );
      expect(rounds === 0 || end.text !== '').toBe(true);
      text += end.text;
      continues = continuesAfter(end.stop);
      if (end.stop.reason !== 'stop_string') break;
    }
    expect(rounds).toBeGreaterThan(0);
    const compared = Math.min(text.length, whole.length);
    expect(compared).toBeGreaterThan(0.8 * whole.length);
    expect(text.slice(0, compared)).toBe(whole.slice(0, compared));
  });

  it.each(['a', 'ed t'])('continues inside a word, too, if %j is found there', async (stopString) => {
    const stop = { maxTokens: 60, stopStrings: [stopString] };
    const first = (await reply(engine, params(PROMPT, '', stop))).end;
    const next = (await reply(engine, params(PROMPT, first.text, stop, continuesAfter(first.stop)))).end;
    expect(first.stop.reason).toBe('stop_string');
    // The rest of a word is joined to it without a space.
    expect(next.text).toMatch(/^[a-z]/);
    expect(next.text.length).toBeGreaterThan(1);
  });

  it('joins parts that only a limit separated', async () => {
    let text = '';
    for (let i = 0; i < 12; i++) {
      const continues = i === 0 ? undefined : ({ reason: 'max_tokens' } as const);
      text += (await reply(engine, params(PROMPT, text, { maxTokens: 5 }, continues))).end.text;
    }
    expect(text).toBe(whole);
  });

  it('joins parts of a raw text, whether it is given as text or as ids', async () => {
    const raw = (prompt: GenerateParams['prompt'], maxTokens: number): GenerateParams => ({
      ...params('', '', { maxTokens }),
      ...{ prompt, continues: { reason: null } },
    });
    const prompt = { kind: 'text', text: PROMPT } as const;
    const all = await reply(engine, raw(prompt, 60));
    const first = await reply(engine, raw(prompt, 5));
    let { text } = first.end;
    const ids = [...first.start.promptIds, ...first.end.ids];
    for (let i = 1; i < 12; i++) {
      const { end } = await reply(engine, raw({ kind: 'ids', ids: [...ids] }, 5));
      text += end.text;
      ids.push(...end.ids);
    }
    expect(text).toBe(all.end.text);
    expect(ids.slice(first.start.promptIds.length)).toEqual(all.end.ids);
  });

  it('would stop at the same stop string again and again without the previous stop reason', async () => {
    const stop = { maxTokens: 60, stopStrings: ['the'] };
    const first = (await reply(engine, params(PROMPT, '', stop))).end;
    expect(first.stop.reason).toBe('stop_string');
    expect((await reply(engine, params(PROMPT, first.text, stop))).end).toMatchObject({
      text: expect.stringMatching(/^ ?$/),
      stop: { reason: 'stop_string' },
    });
  });
});

describe('a reply that the model ended', () => {
  const vocabulary = ['<BOS>', '<EOS>', '<UNK>', 'a', 'b'];
  /** Ends after every token, otherwise generates b. */
  const script: Script = {
    vocabulary,
    next: () => SCRIPTED_EOS,
    logits: () => Float32Array.of(-20, 20, -20, 5, 10),
  };

  it('continues with the most probable token other than the end, and may end again after it', async () => {
    const engine = new ScriptedEngine(script);
    expect((await engine.run(params('a', 'a', {}))).end).toMatchObject({ text: '', stop: { reason: 'eos' } });
    const { end } = await engine.run(params('a', 'a', {}, { reason: 'eos' }));
    expect(end).toMatchObject({ text: 'b', stop: { reason: 'eos' } });
    // After another stop reason, the model may end it at once.
    expect((await engine.run(params('a', 'a', {}, { reason: 'user' }))).end.text).toBe('');
    // A token that a person chose comes first.
    const chosen = await engine.run({ ...params('a', 'a', {}, { reason: 'eos' }), firstToken: 3 });
    expect(chosen.end).toMatchObject({ ids: [3], stop: { reason: 'eos' } });
  });

  it('ends again at once if a grammar allows nothing more', async () => {
    const engine = new ScriptedEngine(script);
    const asked = params('a', 'a', {}, { reason: 'eos' });
    asked.sampling.grammar = { kind: 'gbnf', source: 'root ::= "a"' };
    expect((await engine.run(asked)).end).toMatchObject({ text: '', stop: { reason: 'eos' } });
  });
});

describe('a stop string across the joint', () => {
  const words = [' so', '\n', 'User', ' x', '\n', '\n', 'User', ':', ' hi'];
  const vocabulary = ['<BOS>', '<EOS>', '<UNK>', 'u', ...new Set(words)];
  const STOP = '\nUser:';

  /** Writes the words from the given one on. */
  function run(asked: GenerateParams, from: number) {
    let first: number | null = null;
    const next = (ids: readonly number[]) => {
      first ??= ids.length;
      const word = words[from + ids.length - first];
      return word === undefined ? SCRIPTED_EOS : vocabulary.indexOf(word);
    };
    return new ScriptedEngine({ vocabulary, next }).run(asked);
  }

  const continues = { reason: 'max_tokens' } as const;
  const plain = { kind: 'plain' } as const;
  const asked = (stop: Partial<StopParams>) => params('u', '', { stopStrings: [STOP], ...stop });
  const ways: [string, (text: string, ids: number[]) => GenerateParams][] = [
    ['a text', (text) => params('u', text, { stopStrings: [STOP] }, continues)],
    ['ids', (_, ids) => ({ ...asked({}), prompt: { kind: 'ids', ids: [0, 3, ...ids] }, continues })],
    [
      'the ids of a reply',
      (_, replyIds) => ({ ...asked({}), prompt: { kind: 'chat', messages: [{ role: 'user', text: 'u' }], replyIds } }),
    ],
    [
      'a chat whose format has the stop string',
      (text) => {
        const { prompt, ...others } = params('u', text, {}, continues);
        return { ...others, prompt: prompt.kind === 'chat' ? { ...prompt, template: plain } : prompt };
      },
    ],
  ];

  it.each(ways)('is never completed by what continues %s', async (_, continued) => {
    const whole = await run(asked({}), 0);
    expect(whole.end).toMatchObject({ text: ' so\nUser x\n', stop: { reason: 'stop_string', stopString: STOP } });
    for (let cut = 1; cut < words.length - 1; cut++) {
      const first = await run(asked({ maxTokens: cut }), 0);
      expect(first.end.ids).toHaveLength(cut);
      const { end } = await run(continued(first.end.text, first.end.ids), cut);
      expect(end.stop).toEqual(whole.end.stop);
      expect(first.end.text + end.text).toBe(words.slice(0, Math.max(cut, 5)).join(''));
    }
  });
});

describe('a reply that completes its grammar', () => {
  it.each<[string, number[], boolean, unknown]>([
    ['draws the end token', [SCRIPTED_EOS], false, { id: SCRIPTED_EOS, piece: '<EOS>' }],
    ['ends without one that is ignored', [SCRIPTED_EOS], true, null],
    ['ends without one that the model does not have', [], false, null],
  ])('%s', async (_, eosTokenIds, ignoreEos, token) => {
    const vocabulary = ['<BOS>', '<EOS>', '<UNK>', 'a', 'b'];
    const engine = new ScriptedEngine({ vocabulary, next: () => 4, eosTokenIds });
    const asked = params('b', 'a', { ignoreEos }, { reason: 'max_tokens' });
    asked.sampling.grammar = { kind: 'gbnf', source: 'root ::= "a" | "b"' };
    const { end, start } = await engine.run(asked);
    expect(start.notices).toEqual([]);
    expect(end).toMatchObject({ ids: [], text: '', stop: { reason: 'eos', token } });
    // The grammar applies again after a chosen token.
    const chosen = await engine.run({ ...asked, firstToken: 3 });
    expect(chosen.end).toMatchObject({ text: 'ab', stop: { reason: 'eos', token: null } });
  });
});
