import { expect, it } from 'vitest';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppServices, FoundModel } from '../../../src-main/protocol/app/app-services.ts';
import { Found } from './found.svelte.ts';

const MODEL: FoundModel = {
  id: 'found-1',
  source: 'ollama',
  name: 'story:latest',
  path: '/ollama/blobs/sha256-a',
  bytes: 100,
  modelId: null,
};

it('says why a model was not added until something else is done, and searches again', async () => {
  const calls: string[] = [];
  let models = [MODEL];
  const invoke = async (method: string) => {
    calls.push(method);
    if (method === 'modelAddFound') throw new EngineError('MODEL_NOT_FOUND', 'That model no longer exists.');
    return { places: [], models };
  };
  const found = new Found({ invoke } as unknown as AppServices, async () => undefined);
  await found.look();
  expect(found.offered).toEqual([MODEL]);
  models = [];
  await found.add(MODEL.id);
  expect(found.error).toBe('That model no longer exists.');
  expect(found.offered).toEqual([]);
  await found.look();
  expect(found.error).toBeNull();
  expect(calls).toEqual(['modelsFound', 'modelAddFound', 'modelsFound', 'modelsFound']);
});
