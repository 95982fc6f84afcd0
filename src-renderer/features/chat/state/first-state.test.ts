import { expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { AppMethodName, AppMethods } from '../../../../src-main/protocol/app/app-services.ts';
import { FakeConnection, FakeEngine, FakeServices } from '../test-support/fakes.ts';
import { BUILT_IN_MODEL, createFirstState } from './first-state.ts';

/** The list of chats takes until `list` is called. */
class SlowServices extends FakeServices {
  list: () => void = () => undefined;

  override async invoke<M extends AppMethodName>(
    method: M,
    ...params: AppMethods[M]['params']
  ): Promise<AppMethods[M]['result']> {
    if (method === 'chatsList') await new Promise<void>((resolve) => (this.list = resolve));
    return super.invoke(method, ...params);
  }
}

it('loads the last model while the chats are listed', async () => {
  const services = new SlowServices();
  services.settings = { ...services.settings, lastModelId: 'other' };
  const connection = new FakeConnection(services);
  const api = new FakeEngine();
  connection.change(api, 'ready');
  const creating = createFirstState(connection);
  await vi.waitFor(() => expect(api.loads).toMatchObject([{ modelId: 'other' }]));
  services.list();
  const { chats, engine, settings } = await creating;
  expect(chats.list).toEqual([]);
  expect(engine.model).not.toBeNull();
  expect(settings.current.lastModelId).toBe('other');
});

it('fails if the settings cannot be read, and the built-in model is the one without a last model', async () => {
  const services = new FakeServices();
  const connection = new FakeConnection(services);
  expect((await createFirstState(connection)).engine.comingId).toBe(BUILT_IN_MODEL);
  services.failure = new EngineError('STORAGE', 'gone');
  await expect(createFirstState(connection)).rejects.toThrow('gone');
});
