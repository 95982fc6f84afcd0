import { defaultSamplingParams, defaultStopParams } from '../../../../engine/api/defaults.ts';
import type { ReplyFacts, TokenColumns } from '../../chats/chat.ts';
import type { LaneReply, LaneSettings, StoredComparison } from '../comparison.ts';

export const AT = '2026-01-02T03:04:05.678Z';

export function laneSettings(label: string, settings: Partial<LaneSettings> = {}): LaneSettings {
  return {
    label,
    modelId: 'tiny-transformer',
    modelName: 'TinyTransformer',
    sampling: { ...defaultSamplingParams(), seed: 7 },
    stop: defaultStopParams(),
    systemPrompt: '',
    template: { kind: 'model' },
    enableThinking: null,
    executor: null,
    samples: 1,
    ...settings,
  };
}

/** One token for each text, with ids from the text, so that equal texts are equal tokens. */
export function laneReply(texts: readonly string[], facts: Partial<ReplyFacts> = {}): LaneReply {
  return { text: texts.join(''), tokens: tokensOf(texts), facts: { ...replyFacts(texts.length), ...facts } };
}

function tokensOf(texts: readonly string[]): TokenColumns {
  return {
    ids: texts.map((text) => [...text].reduce((sum, character) => sum + (character.codePointAt(0) ?? 0), 1)),
    lengths: texts.map((text) => text.length),
    parts: texts.map(() => 0),
    logprobs: texts.map((_, index) => -0.25 * (index + 1)),
    latencies: texts.map((_, index) => 2.5 * (index + 1)),
  };
}

function replyFacts(tokens: number): ReplyFacts {
  return {
    stop: { reason: 'max_tokens', maxTokens: tokens },
    timings: {
      loadMs: 0,
      prefillMs: 1.5,
      timeToFirstTokenMs: 2,
      prefillTokensPerSecond: 1000,
      decodeTokensPerSecond: 123.4,
      totalMs: 20,
    },
    seed: 7,
    sampling: { ...defaultSamplingParams(), seed: 7 },
    modelId: 'tiny-transformer',
    model: 'TinyTransformer',
    vocabularySize: 8000,
    executor: 'wasm',
    notices: [],
    promptTokens: 3,
    systemTokens: 0,
    droppedMessages: 0,
    contextUsed: 3 + tokens,
    runStart: 0,
  };
}

/** Two lanes, the second with two samples. */
export function storedComparison(changes: Partial<StoredComparison> = {}): StoredComparison {
  const hot = { ...defaultSamplingParams(), temperature: 1.5, seed: 7 };
  return {
    format: 1,
    id: 'run-1',
    title: 'The cat',
    createdAt: AT,
    updatedAt: AT,
    revision: 0,
    prompt: { kind: 'text', text: 'Once upon a time' },
    lanes: [
      {
        settings: laneSettings('Greedy', { sampling: { ...defaultSamplingParams(), temperature: 0, seed: 7 } }),
        replies: [laneReply([' there', ' was', ' a', ' cat', '.'])],
      },
      {
        settings: laneSettings('Temperature 1.5', { sampling: hot, samples: 2 }),
        replies: [
          laneReply([' there', ' was', ' a', ' dog', '.'], { sampling: hot }),
          laneReply([' many', ' cats'], { sampling: hot, seed: 8, stop: null }),
        ],
      },
    ],
    pinned: null,
    votes: [],
    ...changes,
  };
}
