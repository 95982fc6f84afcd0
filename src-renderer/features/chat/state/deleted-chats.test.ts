import { expect, it, vi } from 'vitest';
import { backendLost } from '../../../../src-main/protocol/errors.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { FakeEngine } from '../test-support/fakes.ts';
import { DeletedChats } from './deleted-chats.ts';

/** A connection whose engine the test replaces. */
class FakeConnection {
  #listener: (engine: EngineApi | null) => void = () => undefined;

  onEngine(listener: (engine: EngineApi | null) => void): () => void {
    this.#listener = listener;
    listener(null);
    return () => undefined;
  }

  engine(engine: EngineApi | null): void {
    this.#listener(engine);
  }
}

/** An engine that notes which chats it was told to delete. */
function noting(chats: (string | undefined)[], fails = false): FakeEngine {
  const engine = new FakeEngine();
  engine.answers.clearPrefixCache = ({ chat }) => {
    chats.push(chat);
    if (fails) throw backendLost();
    return null;
  };
  return engine;
}

it('are deleted from the prefix cache at once', async () => {
  const [connection, chats] = [new FakeConnection(), [] as string[]];
  const deleted = new DeletedChats(connection);
  connection.engine(noting(chats));
  deleted.add('a');
  await vi.waitFor(() => expect(chats).toEqual(['a']));
  deleted.add('b');
  await vi.waitFor(() => expect(chats).toEqual(['a', 'b']));
});

it('are deleted once each, also if many are deleted at once', async () => {
  const [connection, chats] = [new FakeConnection(), [] as string[]];
  const deleted = new DeletedChats(connection);
  connection.engine(noting(chats));
  for (const id of ['a', 'b', 'c']) deleted.add(id);
  await vi.waitFor(() => expect(chats).toEqual(['a', 'b', 'c']));
});

it('wait for an engine, and for the next one if it fails', async () => {
  const [connection, failed, chats] = [new FakeConnection(), [] as string[], [] as string[]];
  const deleted = new DeletedChats(connection);
  deleted.add('a');
  deleted.add('b');
  connection.engine(noting(failed, true));
  await vi.waitFor(() => expect(failed).toEqual(['a']));
  connection.engine(null);
  connection.engine(noting(chats));
  await vi.waitFor(() => expect(chats).toEqual(['a', 'b']));
});
