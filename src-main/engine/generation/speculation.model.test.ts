/** Speculation with a real model: the same replies as without it, token by token. */
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeKernelThreads } from '../../hosts/node/kernel-threads.ts';
import { defaultGenerateParams, InferenceEngine, type GenerateParams } from '../index.ts';
import { steppingPlatform } from '../test-support/random-chats.ts';
import { singleFile, testModelPath } from '../test-support/test-model.ts';
import { reply } from '../test-support/tiny-engine.ts';

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
const TOKENS = isFull ? 200 : 24;
/** Two would wait for each other while other tests run. */
const THREADS = isFull ? 2 : 1;
const TIMEOUT_MS = 900_000;

const LIST = 'apples, pears, plums, apples, pears, cherries, apples, pears, plums';
const REPEAT = `Repeat this list: ${LIST}`;
const STORY = 'Tell me about a river.';
/** Only the first ones in the normal run. */
const CASES: [name: string, text: string, sampling: Partial<GenerateParams['sampling']>][] = [
  ['greedy, a repetition', REPEAT, { temperature: 0 }],
  ['seeded, a repetition', REPEAT, { temperature: 0.6, seed: 3 }],
  ['greedy, a story', STORY, { temperature: 0 }],
  ['seeded, a story', STORY, { temperature: 0.8, seed: 4 }],
  ['a high temperature', STORY, { temperature: 1.5, seed: 5 }],
  ['penalties and DRY', REPEAT, { temperature: 0.7, seed: 6, repeatPenalty: 1.2, dryMultiplier: 0.8 }],
  ['XTC and min p', REPEAT, { temperature: 1, seed: 7, xtcProbability: 0.5, minP: 0.05 }],
  ['mirostat', STORY, { seed: 8, mirostat: 2 }],
  ['banned texts', REPEAT, { temperature: 0, bannedTexts: ['plum', ' river'] }],
  ['a grammar', REPEAT, { temperature: 0, grammar: { kind: 'gbnf', source: 'root ::= [a-z]+ (", " [a-z]+)*' } }],
];

const path = await testModelPath();

describe.skipIf(path === null)('speculation with SmolLM2 (needs the fetched test model)', () => {
  let engine: InferenceEngine;

  beforeAll(async () => {
    engine = new InferenceEngine({ ...steppingPlatform(), threads: nodeKernelThreads() });
    await engine.load(await singleFile(path!), { contextSize: 512, threads: THREADS });
    return () => engine.unload();
  }, TIMEOUT_MS);

  it.each(isFull ? CASES : CASES.slice(0, 2))(
    'changes nothing: %s',
    async (_, text, sampling) => {
      const params = defaultGenerateParams({ kind: 'chat', messages: [{ role: 'user', text }] });
      const request = {
        ...params,
        sampling: { ...params.sampling, ...sampling },
        stop: { ...params.stop, maxTokens: TOKENS, repetitionWindow: 0, ignoreEos: sampling.grammar === undefined },
        topCandidates: 5,
      };
      const plain = await reply(engine, { ...request, speculate: false });
      const drafted = await reply(engine, { ...request, speculate: true });
      const timeless = ({ tokens, end: { ids, text: said, stop } }: typeof plain) => ({
        ...{ ids, said, stop },
        tokens: tokens.map((token) => ({ ...token, latencyMs: 0 })),
      });
      expect(timeless(drafted)).toEqual(timeless(plain));
      expect(plain.end.timings).not.toHaveProperty('speculation');
      if (text === REPEAT && sampling.grammar === undefined) expect(drafted.end.timings).toHaveProperty('speculation');
    },
    TIMEOUT_MS,
  );
});
