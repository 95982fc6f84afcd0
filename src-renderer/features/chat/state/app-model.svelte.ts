import { createContext } from 'svelte';
import type { AppServices } from '../../../../src-main/protocol/app/app-services.ts';
import type { Connection } from '../../../lib/connection.svelte.ts';
import { pageStorage } from '../../../lib/page-storage.ts';
import { ReceiptsState } from '../receipts/receipts.svelte.ts';
import { engineVersions } from '../receipts/run-facts.ts';
import { RunRecorder } from '../receipts/run-recorder.ts';
import type { ChatDocument, ChatTurn } from './chat-document.svelte.ts';
import { ChatSession } from './chat-session.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import { Drafts } from './drafts.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import { BUILT_IN_MODEL, type FirstState } from './first-state.ts';
import { FullWindow } from './full-window.svelte.ts';
import { FindInChat } from '../find/find.svelte.ts';
import { GrammarCheck } from '../grammar/grammar-check.svelte.ts';
import { ModelSettingsState } from './model-settings.svelte.ts';
import { PresetsState } from '../presets/presets.svelte.ts';
import { OtherModelState } from './other-model.svelte.ts';
import { SystemPromptEditor } from '../prompt/system-prompt-editor.svelte.ts';
import { PanelState } from './panel.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';
import { fits, promptSize } from './prompt-fit.ts';
import { AutomaticRequests } from './automatic-requests.ts';
import { ThreadJump } from './thread-jump.svelte.ts';
import { markdownParser } from '../../markdown/state/parser-client.ts';
import { markdownAsShown } from '../../markdown/state/reply-as-text.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import { Waterfall } from '../../waterfall/waterfall.svelte.ts';

/** State of the views. Created once by the shell. */
export interface AppModel {
  readonly connection: Connection;
  readonly settings: SettingsState;
  /** Settings of the current model. */
  readonly modelSettings: ModelSettingsState;
  /** Saved presets and system prompts. */
  readonly presets: PresetsState;
  readonly engine: EngineState;
  readonly chats: ChatsState;
  readonly session: ChatSession;
  readonly panel: PanelState;
  readonly grammarCheck: GrammarCheck;
  /** The model of the open chat if a different one is loaded. */
  readonly otherModel: OtherModelState;
  readonly automatic: AutomaticRequests;
  readonly receipts: ReceiptsState;
  readonly recorder: RunRecorder;
  /** What can be done when the context window is full. */
  readonly fullWindow: FullWindow;
  readonly promptEditor: SystemPromptEditor;
  /** Scrolls the thread to a turn. */
  readonly jump: ThreadJump;
  readonly find: FindInChat;
  /** How tokens were drawn. */
  readonly waterfall: Waterfall;
  /** What other views do with a message or a token of the open chat; set by the shell. */
  readonly elsewhere: {
    compare: ((turn: ChatTurn) => void) | null;
    inside: ((source: DrawSource, index: number) => void) | null;
    /** Shows the Models page. */
    models: (() => void) | null;
  };
}

const [getAppModel, setAppModel] = createContext<AppModel>();
export { BUILT_IN_MODEL, getAppModel, setAppModel };

export function createAppModel({ connection, settings, engine, chats }: FirstState): AppModel {
  const { services } = connection;
  const firstModel = engine.comingId ?? BUILT_IN_MODEL;
  const modelSettings = new ModelSettingsState({
    ...{ settings, engine, firstModel },
    chat: () => chats.current,
    restore: (chat, own) => void chats.changeFacts(chat as ChatDocument, { settings: own }),
  });
  const presets = new PresetsState(services);
  void presets.load();
  const automatic = new AutomaticRequests(pageStorage('localStorage'), () => engine.responds);
  const grammarCheck = new GrammarCheck(engine, automatic);
  const versions = versionsOf(services);
  const recorder = new RunRecorder({ engine, versions });
  const drafts = new Drafts(pageStorage('localStorage'));
  const session = new ChatSession({
    ...{ chats, engine, settings, modelSettings, grammarCheck, recorder, drafts },
    fits: async (prompt) => {
      const size = await promptSize(prompt, modelSettings.stop.maxTokens, engine);
      return size === null || fits(size);
    },
  });
  const receipts = new ReceiptsState({ connection, engine, versions, session });
  const flush = () => {
    void settings.flush();
    void chats.flush();
  };
  window.addEventListener('pagehide', () => {
    settings.flushLast();
    session.keepQueued();
    drafts.flush();
    chats.flushLast();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') flush();
    else chats.catchUp();
  });
  window.addEventListener('beforeunload', (event) => {
    if (chats.unsaved.length > 0) event.preventDefault();
  });
  // A web host that shuts down waits for this, so nothing is lost.
  services.onEvent((event) => {
    if (event.type === 'host' && event.state === 'leaving') flush();
    if (event.type === 'engineModel') void engine.follow(event.changing);
  });
  $effect.root(() => {
    // Also while its editor is closed: an invalid format blocks sending.
    $effect(() => {
      // Checked again for a new engine or another model.
      if (engine.status === 'ready') return grammarCheck.check(modelSettings.sampling.grammar);
    });
  });
  const panel = new PanelState(settings);
  const otherModel = new OtherModelState({ chats, engine });
  const fullWindow = new FullWindow({ session, chats, engine, modelSettings, recorder, otherModel });
  const waterfall = new Waterfall(engine);
  const elsewhere: AppModel['elsewhere'] = { compare: null, inside: null, models: null };
  const promptEditor = new SystemPromptEditor();
  const jump = new ThreadJump();
  const find = new FindInChat({
    chats,
    jump,
    isRaw: () => settings.current.rawReplies,
    asShown: async (markdown) => await markdownAsShown(markdown, markdownParser),
  });
  return {
    ...{ connection, settings, modelSettings, presets, engine, chats, session },
    ...{ grammarCheck, automatic, panel, otherModel, fullWindow, receipts, recorder, waterfall, elsewhere },
    ...{ promptEditor, jump, find },
  };
}

/** Requested once. A reply matters more than its versions, so if the request fails, none are recorded. */
function versionsOf(services: AppServices): () => Promise<Record<string, string>> {
  let versions: Promise<Record<string, string>> | null = null;
  return () =>
    (versions ??= services.invoke('about').then(
      (about) => engineVersions(about, navigator.userAgent),
      () => {
        versions = null;
        return {};
      },
    ));
}
