import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { defaultSamplingParams } from '../../engine/defaults.ts';
import type { Chat } from '../../protocol/app-services.ts';

/** An empty folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A small chat with one turn each. */
export function exampleChat(overrides: Partial<Chat> = {}): Chat {
  const at = '2025-01-02T03:04:05.678Z';
  return {
    id: 'chat-1',
    title: 'Hello world',
    modelId: 'tiny-transformer',
    modelName: 'TinyTransformer',
    systemPrompt: '',
    createdAt: at,
    updatedAt: at,
    turns: [
      { id: 'turn-1', role: 'user', text: 'Hello world', createdAt: at },
      {
        id: 'turn-2',
        role: 'assistant',
        active: 0,
        versions: [
          {
            text: '! How are you?',
            tokens: [],
            stop: { reason: 'max_tokens', detail: 'Reached the limit of 5 tokens.' },
            timings: null,
            seed: 1,
            sampling: defaultSamplingParams(),
            model: 'TinyTransformer',
            executor: 'reference',
            segments: [],
            notices: [],
            promptTokens: 3,
            contextUsed: 8,
            createdAt: at,
          },
        ],
      },
    ],
    ...overrides,
  };
}
