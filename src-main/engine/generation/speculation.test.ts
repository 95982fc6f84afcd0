/** Replies with and without speculation on models of several architectures: the same, whatever the settings. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InferenceEngine, type GenerateEvent } from '../index.ts';
import type { ModelFiles } from '../api/platform.ts';
import { nodeModelFiles, TINY_TRANSFORMER_DIR } from '../test-support/model-files.ts';
import { answers, randomChats, steppingPlatform, type RandomTurn } from '../test-support/random-chats.ts';
import { tinyGgufFiles } from '../test-support/tiny-gguf.ts';

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';
/** Random ones: together 200 in the full run. */
const CHATS = isFull ? 50 : 4;
const TIMEOUT_MS = 900_000;
const FEW_IDS = [3, 4, 5, 6, 7];
/** Repeats itself, because there are few tokens to choose from. */
const REPETITIVE: RandomTurn[] = [
  {
    ids: [3, 4, 5, 6, 3, 4, 5, 6, 3, 4, 5],
    change: {},
    sampling: { temperature: 0, logitBias: FEW_IDS.map((id) => [id, 50]) },
    stop: { maxTokens: 100, ignoreEos: true, repetitionWindow: 0 },
  },
];
/** Repeats itself by chance only, so most drafts are wrong: at this temperature, those tokens are equally probable. */
const SCATTERED: RandomTurn[] = [
  {
    ids: [3, 4, 5, 6, 7],
    change: {},
    sampling: { seed: 1, temperature: 100, samplers: ['temperature'], logitBias: FEW_IDS.map((id) => [id, 1e5]) },
    stop: { maxTokens: 100, ignoreEos: true, repetitionWindow: 0 },
  },
];
const FIXED: [RandomTurn[]][] = [[REPETITIVE], [SCATTERED]];

const MODELS: [name: string, files: () => Promise<ModelFiles>][] = [
  ['tiny-transformer', () => nodeModelFiles(TINY_TRANSFORMER_DIR)],
  ['llama', () => tinyGgufFiles('llama')],
  ['gemma3', () => tinyGgufFiles('gemma3')],
  ['quantised llama', () => tinyGgufFiles('llama-d256.Q4_1')],
];

/** Counts what was drafted and accepted in the replies of an engine. */
class Counting extends InferenceEngine {
  drafted = 0;
  accepted = 0;

  override async *generate(...args: Parameters<InferenceEngine['generate']>): AsyncGenerator<GenerateEvent, void> {
    for await (const event of super.generate(...args)) {
      if (event.type === 'end') {
        this.drafted += event.timings.speculation?.drafted ?? 0;
        this.accepted += event.timings.speculation?.accepted ?? 0;
      }
      yield event;
    }
  }
}

it.each(MODELS)(
  'random chats with %s are the same with and without speculation',
  async (_, open) => {
    const [drafting, plain] = [new Counting(steppingPlatform()), new Counting(steppingPlatform())];
    for (const engine of [drafting, plain]) await engine.load(await open(), { contextSize: 64, threads: 1 });
    await fc.assert(
      fc.asyncProperty(randomChats(FEW_IDS, ['e', ' a', 'the', '.']), async (turns) => {
        const expected = await answers(plain, turns, { speculate: false });
        expect(await answers(drafting, turns, { speculate: true })).toEqual(expected);
      }),
      { numRuns: CHATS + FIXED.length, examples: FIXED },
    );
    // Both kinds were there: drafts that were right, and drafts that were wrong.
    expect(drafting.accepted).toBeGreaterThan(0);
    expect(drafting.drafted).toBeGreaterThan(drafting.accepted);
    expect(plain.drafted).toBe(0);
    for (const engine of [drafting, plain]) await engine.unload();
  },
  TIMEOUT_MS,
);
