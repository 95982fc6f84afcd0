import type { Connection } from '../../../lib/connection.svelte.ts';
import { openChannel } from '../../../lib/page-storage.ts';
import { pacedFrame } from '../../../lib/paced-frames.ts';
import { ChatsState } from './chats.svelte.ts';
import { DeletedChats } from './deleted-chats.ts';
import { EngineState } from './engine.svelte.ts';
import { lastModel } from './last-model.ts';
import { ReplyBeats } from './reply-beats.ts';
import { SettingsState } from './settings.svelte.ts';

/** Id of the built-in model. */
export const BUILT_IN_MODEL = 'tiny-transformer';

/** What is needed first, and can begin while the rest of the interface is being loaded. */
export interface FirstState {
  readonly connection: Connection;
  readonly settings: SettingsState;
  /** Loads the last model. */
  readonly engine: EngineState;
  /** With its list. */
  readonly chats: ChatsState;
}

/** @throws EngineError when the app's services cannot be reached */
export async function createFirstState(connection: Connection): Promise<FirstState> {
  const { services } = connection;
  const deletedChats = new DeletedChats(connection);
  const channel = openChannel('tokenscope.replies');
  const beats = channel === null ? null : new ReplyBeats(channel);
  const chats = new ChatsState(services, (id) => deletedChats.add(id), pacedFrame, beats);
  const listed = chats.refresh();
  const settings = await SettingsState.load(services);
  const engine = new EngineState(connection, BUILT_IN_MODEL, lastModel(settings.current, BUILT_IN_MODEL));
  await listed;
  return { connection, settings, engine, chats };
}
