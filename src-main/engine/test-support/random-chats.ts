/** Random chats with random settings, to compare replies in two circumstances. */
import fc from 'fast-check';
import type { Platform } from '../api/platform.ts';
import { defaultGenerateParams, type GenerateParams, type InferenceEngine } from '../index.ts';
import { nodePlatform, reply } from './tiny-engine.ts';
import { testKernels } from './kernels.ts';

/** One turn: what the person says, as ids, and how the reply is drawn. */
export interface RandomTurn {
  ids: number[];
  change: Partial<GenerateParams>;
  sampling: Partial<GenerateParams['sampling']>;
  stop: Partial<GenerateParams['stop']>;
}

/** A clock in which every step takes 1 ms, so that drafts always pay, however small the model. */
export function steppingPlatform(): Platform {
  let now = 0;
  return { ...nodePlatform(), clock: { now: () => ++now }, compileKernels: () => Promise.resolve(testKernels()) };
}

/**
 * @param ids few different ones, so that drafts are found
 * @param texts for stop strings and banned texts
 */
export function randomChats(ids: readonly number[], texts: readonly string[]): fc.Arbitrary<RandomTurn[]> {
  const some = fc.subarray([...texts], { maxLength: 2 });
  const sampling: fc.Arbitrary<RandomTurn['sampling']> = fc.oneof(
    fc.constant({ temperature: 0 }),
    fc.record({
      seed: fc.constant(3),
      temperature: fc.constantFrom(0.3, 1),
      logitBias: fc.constant(ids.map((id): [number, number] => [id, 50])),
    }),
    fc.record({
      seed: fc.integer({ min: 0, max: 1000 }),
      temperature: fc.constantFrom(0.3, 0.8, 1.5),
      topK: fc.constantFrom(0, 5, 40),
      minP: fc.constantFrom(0, 0.05),
      repeatPenalty: fc.constantFrom(1, 1.3),
      presencePenalty: fc.constantFrom(0, 0.5),
      dryMultiplier: fc.constantFrom(0, 0.8),
      xtcProbability: fc.constantFrom(0, 0.5),
    }),
    fc.record({ seed: fc.integer({ min: 0, max: 1000 }), mirostat: fc.constantFrom(1 as const, 2 as const) }),
    fc.record({ seed: fc.integer({ min: 0, max: 1000 }), adaptiveTarget: fc.constant(0.4) }),
    fc.record({ temperature: fc.constantFrom(0, 0.8), seed: fc.constant(1), bannedTexts: some }),
    fc.record({
      temperature: fc.constantFrom(0, 0.8),
      seed: fc.constant(2),
      grammar: fc.constant({ kind: 'gbnf', source: 'root ::= [a-zA-Z .,]{3,40}' } as const),
    }),
  );
  const turn = fc.record({
    ids: fc.array(fc.constantFrom(...ids), { minLength: 1, maxLength: 12 }),
    change: fc.record({ topCandidates: fc.constantFrom(0, 3) }),
    sampling,
    stop: fc.record({
      maxTokens: fc.integer({ min: 1, max: 24 }),
      stopStrings: some,
      repetitionWindow: fc.constantFrom(null, 0, 3),
      ignoreEos: fc.boolean(),
    }),
  });
  return fc.array(turn, { minLength: 1, maxLength: 3 });
}

/** Newest tokens of a chat that are its next prompt, so that it fits a small window. */
const PROMPT_TOKENS = 48;

/** What the engine says, turn by turn, without times. Each prompt is the chat so far. */
export async function answers(
  engine: InferenceEngine,
  turns: readonly RandomTurn[],
  common: Partial<GenerateParams>,
  whenFull: 'stop' | 'shift' = 'shift',
  promptTokens = PROMPT_TOKENS,
): Promise<unknown[]> {
  const chat: number[] = [];
  const all: unknown[] = [];
  for (const { ids, change, sampling, stop } of turns) {
    chat.push(...ids);
    const params = defaultGenerateParams({ kind: 'ids', ids: chat.slice(-promptTokens), whenFull });
    const { start, tokens, end } = await reply(engine, {
      ...params,
      ...change,
      ...common,
      sampling: { ...params.sampling, ...sampling },
      stop: { ...params.stop, ...stop },
    });
    const { reusedTokens: _, ...startEvent } = start;
    const { timings: __, ...endEvent } = end;
    all.push(startEvent, ...tokens.map((token) => ({ ...token, latencyMs: 0 })), endEvent);
    chat.push(...end.ids);
  }
  return all;
}
