import { beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { OtherModelState, type ModelList } from './other-model.svelte.ts';
import { MODEL } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';

let opened: Awaited<ReturnType<typeof openSession>>;

beforeEach(async () => {
  opened = await openSession();
});

describe('a chat that used another model', () => {
  const OTHER = { ...MODEL, id: 'opened-1', name: 'Other' };
  const listing = { id: 'opened-1', name: 'Other', problem: null } as never;
  let other: OtherModelState;
  let library: ModelList;
  let { api, chats, engine, session } = {} as typeof opened;
  const last = () => chats.current.lastReply!;

  beforeEach(async () => {
    ({ api, chats, engine, session } = opened);
    other = new OtherModelState({ chats, engine });
    library = {
      listings: [listing],
      nameOf: () => 'Other',
      load: (id) => engine.load({ modelId: id }),
      biggerWindow: () => null,
      loadWindow: () => Promise.resolve(),
    };
    other.library = library;
    api.loadScripts = [[OTHER], [MODEL]];
    await engine.load({ modelId: 'opened-1' });
    await session.send('one');
    expect(other.current).toBeNull();
    await engine.load({ modelId: MODEL.id });
  });

  it('offers it, and loads it before anything is sent', async () => {
    expect(other.current).toEqual({ id: 'opened-1', name: 'Other', loadable: true });
    api.loadScripts = [['pause', OTHER]];
    const sending = session.loadAndSend('two', other.current!, () => library.load('opened-1'));
    await vi.waitFor(() => expect(engine.progress).not.toBeNull());
    expect(engine.loadingId).toBe('opened-1');
    expect(session.loadingToAnswer).toBe('Other');
    expect(session.queued).toEqual(['two']);
    expect(api.requests).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve));
    api.resume();
    await sending;
    expect(last()).toMatchObject({ model: 'Other', phase: 'done' });
    expect(chats.current.path).toHaveLength(4);
    expect(other.current).toBeNull();
  });

  it('gives the message back when it cannot be loaded', async () => {
    api.loadScripts = [[new EngineError('OUT_OF_MEMORY', 'Too large.')]];
    await session.loadAndSend('two', other.current!, () => library.load('opened-1').catch(() => undefined));
    expect(session.draft).toBe('two');
    expect(session.queued).toEqual([]);
    expect(api.requests).toHaveLength(1);
    expect(session.loadingToAnswer).toBeNull();
  });

  it('says that it is gone, and the loaded one answers', async () => {
    other.library = { ...library, listings: [] };
    expect(other.current).toMatchObject({ name: 'Other', loadable: false });
    await session.send('two');
    expect(last().model).toBe('TinyTransformer');
    // What answered last counts from now on.
    expect(other.current).toBeNull();
  });
});
