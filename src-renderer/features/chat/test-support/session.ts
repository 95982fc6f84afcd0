import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { PacedFrame } from '../../../lib/paced-frames.ts';
import { RunRecorder } from '../receipts/run-recorder.ts';
import { ChatSession } from '../state/chat-session.svelte.ts';
import { ChatsState } from '../state/chats.svelte.ts';
import type { Drafts } from '../state/drafts.svelte.ts';
import { EngineState } from '../state/engine.svelte.ts';
import { ModelSettingsState } from '../state/model-settings.svelte.ts';
import { SettingsState } from '../state/settings.svelte.ts';
import { FakeConnection, FakeEngine, MODEL } from './fakes.ts';
import { dataFolder, openStore, PageLine } from './store.ts';

/**
 * A session on the real services and a scripted engine that has `MODEL`.
 * @param options of the session; `firstLoad`: the engine begins to load like this, and may have no model yet
 */
export async function openSession({
  firstLoad,
  ...options
}: {
  fits?: (prompt: PromptInput) => Promise<boolean>;
  drafts?: Drafts;
  frame?: PacedFrame;
  firstLoad?: FakeEngine['loadScripts'][number];
} = {}) {
  const services = new PageLine(await openStore(await dataFolder()));
  const connection = new FakeConnection(services);
  const api = new FakeEngine();
  const settings = await SettingsState.load(services);
  const engine = new EngineState(connection, MODEL.id);
  const chats = new ChatsState(services);
  const modelSettings = new ModelSettingsState({ settings, engine, firstModel: MODEL.id });
  const grammarCheck: { blocks: string | null } = { blocks: null };
  const frame = (callback: () => void) => void setTimeout(callback);
  const recorder = new RunRecorder({ engine, versions: async () => ({}) });
  const session = new ChatSession({
    chats,
    engine,
    settings,
    modelSettings,
    grammarCheck,
    recorder,
    frame,
    ...options,
  });
  if (firstLoad !== undefined) api.loadScripts = [firstLoad];
  connection.change(api, 'ready');
  if (firstLoad === undefined) await engine.ready();
  return { services, connection, api, chats, engine, modelSettings, recorder, session, grammarCheck };
}
