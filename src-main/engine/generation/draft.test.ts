/** Banned texts, biased texts and grammars in the generation loop, with scripted models. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultGenerateParams } from '../api/defaults.ts';
import { SCRIPTED_EOS, ScriptedEngine, type Script } from '../test-support/scripted-model.ts';
import type { ChatMessage, GenerateParams, SamplingParams, StopParams } from '../api/types.ts';

const SPECIAL = ['<BOS>', '<EOS>', '<UNK>'];

function params(sampling: Partial<SamplingParams>, stop: Partial<StopParams> = {}): GenerateParams {
  const defaults = defaultGenerateParams({ kind: 'ids', ids: [0] });
  return {
    ...defaults,
    sampling: { ...defaults.sampling, seed: 1, ...sampling },
    stop: { ...defaults.stop, maxTokens: 12, ...stop },
  };
}

/** Generates the words in order; one that is ruled out is replaced by the next best of `instead`. */
function writer(words: readonly string[], instead: readonly string[], more: Partial<Script> = {}): ScriptedEngine {
  const vocabulary = [...SPECIAL, ...new Set([...words, ...instead])];
  const logits = (ids: readonly number[]): Float32Array => {
    const values = new Float32Array(vocabulary.length).fill(-20);
    instead.forEach((word, rank) => (values[vocabulary.indexOf(word)] = 10 - rank));
    const word = words[ids.length - 1];
    values[word === undefined ? SCRIPTED_EOS : vocabulary.indexOf(word)] = 20;
    return values;
  };
  return new ScriptedEngine({ vocabulary, next: () => 0, logits, ...more });
}

const GREEDY = { temperature: 0 };

describe('banned texts', () => {
  const words = ['I', ' love', ' New', ' York', ' and', ' New', ' Jersey'];

  it('are avoided at the token where they begin, and only there', async () => {
    const engine = writer(words, [' Old', ' Ork', ' Or']);
    const { end, tokens } = await engine.run(params({ ...GREEDY, bannedTexts: ['New York'] }));
    expect(end.text).toBe('I love Old York and New Jersey');
    expect(tokens.map(({ text }) => text)).toEqual(['I', ' love', ' Old', ' York', ' and', ' New', ' Jersey']);
    expect(tokens.map(({ id }) => id)).toEqual(end.ids);
    expect(end.contextUsed).toBe(8);
  });

  it('are found inside tokens, across tokens, and one after the other', async () => {
    const engine = writer(['xNe', 'w', ' ', 'Yor', 'kx'], ['_', '-']);
    expect((await engine.run(params({ ...GREEDY, bannedTexts: ['New York'] }))).end.text).toBe('_w Yorkx');
    expect((await engine.run(params({ ...GREEDY, bannedTexts: ['New York', '_', 'w Y'] }))).end.text).toBe(
      'xNe- Yorkx',
    );
  });

  it('rule out every token that contains them', async () => {
    const { end } = await writer(['a', 'b', 'xcx'], ['c', ' c', 'd']).run(params({ ...GREEDY, bannedTexts: ['c'] }));
    expect(end.text).toBe('abd');
  });

  it('do not rule out the end, whose text is never in a reply', async () => {
    const { end } = await writer(['a', 'b'], ['c']).run(params({ ...GREEDY, bannedTexts: ['<', 'EOS'] }));
    expect(end).toMatchObject({ text: 'ab', stop: { reason: 'eos', token: { id: SCRIPTED_EOS } } });
  });

  it('are avoided at the last token if every alternative begins like them', async () => {
    const grammar = { kind: 'gbnf', source: 'root ::= "New " ("York" | "Jersey")' } as const;
    const engine = writer(['New', ' York'], ['N', 'ew', ' ', 'Y', 'ork', 'Jersey', ' Jersey']);
    const { end } = await engine.run(params({ ...GREEDY, bannedTexts: ['New York'], grammar }));
    expect(end.text).toBe('New Jersey');
    expect(end.stop).toEqual({ reason: 'eos', token: null });
  });

  it('end the reply with a reason if nothing else can follow', async () => {
    const grammar = { kind: 'gbnf', source: 'root ::= "A " "New York"' } as const;
    const engine = writer(['A', ' New', ' York'], ['A ', 'New', ' ', 'N', 'ew', 'York']);
    const { end } = await engine.run(params({ ...GREEDY, bannedTexts: ['New York'], grammar }));
    const because = (message: string) => {
      return { reason: 'error', error: { code: 'BAD_REQUEST', message: expect.stringContaining(message) as string } };
    };
    expect(end.stop).toMatchObject(because('The banned texts and the grammar leave no possible next token'));
    expect(end.text).not.toContain('New York');
    const nothingElse = writer(['a', 'b'], [], { eosTokenIds: [0, SCRIPTED_EOS] });
    const all = await nothingElse.run(params({ ...GREEDY, bannedTexts: ['a', 'b'] }, { ignoreEos: true }));
    expect(all.end.stop).toMatchObject(because('The banned texts leave no possible next token'));
  });

  describe('that begin before the drawn tokens', () => {
    const story = ['u', ' so', ' happily', ' ever', ' after'];
    const banned = { ...GREEDY, bannedTexts: [' happily ever'] };
    const engine = writer(story, [' again']);
    const id = (word: string) => [...SPECIAL, ...story].indexOf(word);
    const ids = [0, id('u')];

    it.each<[string, GenerateParams['prompt']]>([
      ['ids', { kind: 'ids', ids: [...ids, id(' so'), id(' happily')] }],
      [
        'a text',
        {
          kind: 'chat',
          messages: [
            { role: 'user', text: 'u' },
            { role: 'assistant', text: ' so happily' },
          ],
        },
      ],
      ['a reply', { kind: 'chat', messages: [{ role: 'user', text: 'u' }], replyIds: [id(' so'), id(' happily')] }],
    ])('are not completed by what continues %s', async (_, prompt) => {
      const first = await engine.run({ ...params(banned, { maxTokens: 2 }), prompt: { kind: 'ids', ids } });
      expect(first.end.text).toBe(' so happily');
      const { end } = await engine.run({ ...params(banned), prompt, continues: { reason: 'max_tokens' } });
      expect(end.text).toBe(' again after');
    });

    it('are not completed after a chosen token, which is never retracted', async () => {
      const asked = (...words: string[]): GenerateParams => {
        return { ...params(banned), prompt: { kind: 'ids', ids: [...ids, ...words.map(id)] } };
      };
      const { end } = await engine.run({ ...asked(' so'), firstToken: id(' happily') });
      expect(end.text).toBe(' happily again after');
      // It may complete one itself.
      const whole = await engine.run({
        ...asked(' so', ' happily'),
        ...{ firstToken: id(' ever'), continues: { reason: null } },
      });
      expect(whole.end.text).toBe(' ever after');
    });
  });

  it('may stay incomplete', async () => {
    const engine = writer(words, [' Old']);
    const { end } = await engine.run(params({ ...GREEDY, bannedTexts: ['New York'] }, { maxTokens: 3 }));
    expect(end.text).toBe('I love New');
    expect(end.stop.reason).toBe('max_tokens');
  });

  it('do not interfere with stop strings', async () => {
    const engine = writer(words, [' Old', ' Pork']);
    const stop = await engine.run(params({ ...GREEDY, bannedTexts: ['New York'] }, { stopStrings: ['New'] }));
    expect(stop.end).toMatchObject({
      text: 'I love Old York and ',
      stop: { reason: 'stop_string', stopString: 'New' },
    });
    const held = await engine.run(params({ ...GREEDY, bannedTexts: ['New York'] }, { stopStrings: ['Jersey City'] }));
    expect(held.end.text).toBe('I love Old York and New Jersey');
  });

  it('stop at once when the user stops, also while backtracking', async () => {
    const cancel = { cancelled: false };
    let runs = 0;
    const onRun = (): void => void (cancel.cancelled = ++runs === 5);
    const engine = writer(words, [' Old'], { onRun });
    const { end } = await engine.run(params({ ...GREEDY, bannedTexts: ['New York'] }), cancel);
    expect(end.stop.reason).toBe('user');
    expect('I love Old York'.startsWith(end.text)).toBe(true);
  });

  const fragment = fc.constantFrom('a', 'b', 'ab', 'ba', 'aba', ' ', 'bb ', 'é', 'a ');
  const banned = fc.array(
    fc.array(fc.constantFrom('a', 'b', ' ', 'é'), { minLength: 1, maxLength: 5 }).map((x) => x.join('')),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const settings = fc.record<Partial<SamplingParams>>({
    temperature: fc.constantFrom(0, 0.7, 1.5),
    mirostat: fc.constantFrom<0 | 1 | 2>(0, 0, 1, 2),
    adaptiveTarget: fc.constantFrom(-1, -1, 0.3),
    xtcProbability: fc.constantFrom(0, 0.5),
    repeatPenalty: fc.constantFrom(1, 1.3),
    dryMultiplier: fc.constantFrom(0, 0.8),
    grammar: fc.constantFrom<SamplingParams['grammar']>(null, null, {
      kind: 'gbnf',
      source: 'root ::= ([ab] | "é " | " a")+',
    }),
    seed: fc.nat(1000),
  });

  /** Logits that depend only on the sequence so far. */
  function randomModel(fragments: readonly string[], spread: number): Script {
    const vocabulary = [...SPECIAL, ...fragments];
    const logits = (ids: readonly number[]): Float32Array => {
      let hash = ids.reduce((sum, id) => Math.imul(sum ^ (id + 1), 0x9e3779b1), 7);
      return Float32Array.from(vocabulary, (_, id) => {
        hash = Math.imul(hash ^ (hash >>> 13), 0x85ebca6b) + id;
        return (((hash >>> 8) % 1000) / 1000) * spread;
      });
    };
    return { vocabulary, next: () => 0, logits, contextSize: 40 };
  }

  it('are never in a reply, whatever the model and the samplers', async () => {
    const fragments = fc.uniqueArray(fragment, { minLength: 3, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(
        fragments,
        banned,
        settings,
        fc.constantFrom(1, 10),
        async (words, bannedTexts, sampling, spread) => {
          const request = params({ ...sampling, bannedTexts }, { maxTokens: 30, stopStrings: ['aab'] });
          const run = await new ScriptedEngine(randomModel(words, spread)).run(request);
          const { end, tokens } = run;
          for (const text of bannedTexts) expect(end.text).not.toContain(text);
          expect(tokens.map(({ text }) => text).join('')).toBe(end.text);
          expect(tokens.map(({ id }) => id)).toEqual(end.ids);
          expect(end.ids.length).toBeLessThanOrEqual(30);
          const again = await new ScriptedEngine(randomModel(words, spread)).run(request);
          expect(again.end.ids).toEqual(end.ids);
          expect(again.end.stop).toEqual(end.stop);
        },
      ),
    );
  });

  it('are never completed after a cut, nor after a chosen token', async () => {
    const fragments = fc.uniqueArray(fragment, { minLength: 3, maxLength: 9 });
    const joints = fc.record({ cut: fc.nat(8), isChat: fc.boolean(), chosen: fc.option(fc.nat(8)) });
    const spreads = fc.constantFrom(1, 10);
    await fc.assert(
      fc.asyncProperty(
        fragments,
        banned,
        settings,
        spreads,
        joints,
        async (words, bannedTexts, sampling, spread, at) => {
          const script = randomModel(words, spread);
          const chat = { kind: 'chat', messages: [{ role: 'user', text: 'x' }] } as const;
          const request = {
            ...params({ ...sampling, bannedTexts }),
            prompt: { ...chat, messages: [...chat.messages] },
          };
          const cut = { ...request, stop: { ...request.stop, maxTokens: at.cut } };
          const { start, end } = await new ScriptedEngine(script).run(cut);
          fc.pre(end.stop.reason === 'max_tokens');
          const ids = [...start.promptIds, ...end.ids];
          const next = await new ScriptedEngine(script).run({
            ...request,
            ...(at.isChat
              ? { prompt: { ...request.prompt, replyIds: end.ids } }
              : { prompt: { kind: 'ids', ids }, continues: { reason: 'max_tokens' } }),
            ...(at.chosen === null ? {} : { firstToken: 3 + (at.chosen % words.length) }),
          });
          const given = end.text + (at.chosen === null ? '' : next.tokens[0].text);
          const text = end.text + next.end.text;
          for (const each of bannedTexts) {
            expect(text.indexOf(each, Math.max(0, given.length + 1 - each.length))).toBe(-1);
          }
        },
      ),
    );
  });

  it('do not change a reply that contains only their beginnings', async () => {
    const fragments = fc.uniqueArray(fragment, { minLength: 3, maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(fragments, settings, async (words, sampling) => {
        const script = randomModel(words, 5);
        const free = await new ScriptedEngine(script).run(params(sampling));
        // Only replies with banned texts can escape a grammar's dead end by backtracking.
        fc.pre(free.end.stop.reason !== 'error');
        const bannedTexts = ['aaaaab', 'abababab é', 'ba ba bé'].filter((text) => !free.end.text.includes(text));
        const { end, tokens } = await new ScriptedEngine(script).run(params({ ...sampling, bannedTexts }));
        expect(end.ids).toEqual(free.end.ids);
        expect(tokens.map(({ sampledProbability }) => sampledProbability)).toEqual(
          free.tokens.map(({ sampledProbability }) => sampledProbability),
        );
      }),
    );
  });

  it('restore the sampler: the rest is the same as after the same tokens', async () => {
    // Backtracking to position 0 and drawing again must not have consumed random numbers.
    const script = randomModel(['a', 'b', 'é'], 1);
    for (const mirostat of [0, 2] as const) {
      for (let seed = 0; seed < 20; seed++) {
        const { end } = await new ScriptedEngine(script).run(params({ mirostat, seed, bannedTexts: ['ab'] }));
        const free = await new ScriptedEngine(script).run(params({ mirostat, seed, bannedTexts: ['zz'] }));
        const differs = end.ids.findIndex((id, i) => id !== free.end.ids[i]);
        if (differs !== -1) expect(free.end.text).toContain('ab');
      }
    }
  });
});

describe('biased texts', () => {
  const words = ['the', ' sea', ' is', ' calm'];

  it('favour every token that is the text, with or without a leading space', async () => {
    const engine = writer(words, ['sky', ' sky', ' skyline']);
    expect((await engine.run(params({ ...GREEDY, textBias: [['sky', 30]] }, { maxTokens: 2 }))).end.text).toBe(
      'skysky',
    );
    expect((await engine.run(params({ ...GREEDY, textBias: [[' sky', 30]] }, { maxTokens: 2 }))).end.text).toBe(
      ' sky sky',
    );
    const less = await engine.run(
      params({
        ...GREEDY,
        textBias: [
          ['sea', -30],
          ['sky', -30],
        ],
      }),
    );
    expect(less.end.text).toBe('the skyline is calm');
  });

  it('favour the rest of a text that takes several tokens', async () => {
    const engine = writer(['a', ' sky', 'scraper', ' x'], ['line', ' sky']);
    const { end } = await engine.run(params({ ...GREEDY, textBias: [['skyline', 15]] }));
    expect(end.text).toBe('a skyline x');
  });
});

describe('a grammar and reasoning that the template opens', () => {
  /**
   * The parts of a reply, by their tokens.
   * @param written the beginning of the reply, which is continued
   */
  async function parts(source: string | null, words: readonly string[], written: readonly string[] = []) {
    const messages: ChatMessage[] = [{ role: 'user', text: 'hi' }];
    if (written.length > 0) messages.push({ role: 'assistant', text: written.join(' ') });
    const template = { kind: 'custom', source: '{{ messages[0].content }} <think> ' } as const;
    const grammar = source === null ? null : ({ kind: 'gbnf', source } as const);
    const asked = { ...params({ ...GREEDY, grammar }), prompt: { kind: 'chat', messages, template } as const };
    const { tokens, start } = await writer(['hi', '<think>', ...written, ...words], []).run(asked);
    expect(tokens.map(({ text }) => text)).toEqual(words);
    return { parts: tokens.map(({ part }) => part), notices: start.notices };
  }
  const THOUGHT = ['reasoning_mark', 'reasoning', 'reasoning_mark', 'answer'];

  it('make the reply an answer', async () => {
    expect((await parts(null, ['{', '}'])).parts).toEqual(['reasoning', 'reasoning']);
    expect((await parts('root ::= "{" "}"', ['{', '}'])).parts).toEqual(['answer', 'answer']);
  });

  it('make it reasoning where the grammar writes the marks, or may', async () => {
    const whole = 'root ::= "<think>" "b" "</think>" "yes"';
    expect((await parts(whole, ['<think>', 'b', '</think>', 'yes'])).parts).toEqual(THOUGHT);
    expect((await parts('root ::= "b" "</think>" "yes"', ['b', '</think>', 'yes'])).parts).toEqual(THOUGHT.slice(1));
    expect((await parts('root ::= [^x]*', ['b', '</think>', 'yes'])).parts).toEqual(THOUGHT.slice(1));
    const grammar = 'root ::= "<think> b" "</think>" "yes"';
    expect((await parts(grammar, ['</think>', 'yes'], ['<think>', 'b'])).parts).toEqual(THOUGHT.slice(2));
  });

  it('make the rest an answer if the reasoning so far does not follow the grammar', async () => {
    const { parts: found, notices } = await parts('root ::= "{" "}"', ['{', '}'], ['<think>', 'b']);
    expect(found).toEqual(['answer', 'answer']);
    expect(notices).toEqual([expect.stringContaining('does not follow the grammar')]);
  });
});

describe('a grammar', () => {
  it('rules out what it does not allow, and ends the reply if nothing can follow', async () => {
    const engine = writer(['yes', ' no'], ['no', 'maybe']);
    const grammar = { kind: 'gbnf', source: 'root ::= "no" | "maybe" "!"*' } as const;
    const { end, start } = await engine.run(params({ ...GREEDY, grammar }));
    expect(end).toMatchObject({ text: 'no', stop: { reason: 'eos' } });
    expect(start.notices).toEqual([]);
  });

  it('is completed within the tokens that are left', async () => {
    const grammar = { kind: 'gbnf', source: 'root ::= "[" (root ("," root)*)? "]"' } as const;
    const engine = writer(
      Array.from({ length: 40 }, () => '['),
      [']', ',', '[[', ',['],
    );
    for (const maxTokens of [2, 3, 5, 8, 13]) {
      const { end, start } = await engine.run(params({ ...GREEDY, grammar }, { maxTokens }));
      expect(JSON.parse(end.text)).toBeInstanceOf(Array);
      expect(start.notices).toEqual([]);
    }
    const short = await engine.run(params({ ...GREEDY, grammar }, { maxTokens: 1 }));
    expect(short.start.notices).toEqual(['The grammar needs about 2 more tokens to finish, but only 1 token is left.']);
    expect(short.end.stop.reason).toBe('max_tokens');
  });

  it('works with ignoreEos', async () => {
    const grammar = { kind: 'gbnf', source: 'root ::= "a" "b"?' } as const;
    const { end } = await writer(['a'], ['b']).run(params({ ...GREEDY, grammar }, { ignoreEos: true }));
    expect(end).toMatchObject({ text: 'ab', stop: { reason: 'eos' } });
    // Another repetition would not fit into the limit.
    const repeated = { kind: 'gbnf', source: 'root ::= ("a" "b")+' } as const;
    const asked = params({ ...GREEDY, grammar: repeated }, { ignoreEos: true, maxTokens: 3 });
    const whole = await writer(['a', 'b', 'a'], []).run(asked);
    expect(whole.end).toMatchObject({ text: 'ab', stop: { reason: 'eos', token: null } });
  });

  it('reports that the vocabulary cannot spell it', async () => {
    const grammar = { kind: 'gbnf', source: 'root ::= "a" "z"' } as const;
    const { end } = await writer(['a'], ['b']).run(params({ ...GREEDY, grammar }));
    expect(end).toMatchObject({ text: 'a', stop: { reason: 'error', error: { code: 'GRAMMAR' } } });
  });

  it('fails before the reply begins if it is invalid', async () => {
    const grammar = { kind: 'gbnf', source: 'root ::= x' } as const;
    await expect(writer(['a'], []).run(params({ grammar }))).rejects.toMatchObject({
      code: 'GRAMMAR',
      details: { line: 1, column: 10 },
    });
  });
});
