import { expect, it } from 'vitest';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { promptIds } from './run-ids.ts';

it('asks the engine for the ids of texts and chats', async () => {
  const asked: unknown[] = [];
  const call = (method: string, params: unknown) => {
    asked.push([method, params]);
    return Promise.resolve({ ids: [5] });
  };
  const engine = { call } as unknown as Pick<EngineApi, 'call'>;
  const { signal } = new AbortController();
  expect(await promptIds(engine, { kind: 'ids', ids: [1] }, signal)).toEqual([1]);
  await promptIds(engine, { kind: 'text', text: 'a', addBos: false }, signal);
  await promptIds(engine, { kind: 'text', text: 'a' }, signal, { modelId: 'other' });
  await promptIds(engine, { kind: 'chat', messages: [{ role: 'user', text: 'b' }] }, signal);
  await promptIds(engine, { kind: 'chat', messages: [] }, signal, { maxTokens: 20 });
  expect(asked).toEqual([
    ['tokenize', { text: 'a', addBos: false, parseSpecial: false }],
    ['tokenize', { text: 'a', addBos: true, parseSpecial: false, modelId: 'other' }],
    ['renderChat', { messages: [{ role: 'user', text: 'b' }] }],
    ['renderChat', { messages: [], maxTokens: 20 }],
  ]);
});
