import { createContext } from 'svelte';
import type { DrawQuestion } from '../../waterfall/draw-source.ts';
import type { GrammarCheck } from '../grammar/grammar-check.svelte.ts';
import type { AutomaticRequests } from './automatic-requests.ts';
import type { ChatDocument } from './chat-document.svelte.ts';
import type { ChatSession } from './chat-session.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';

type PanelChat = Pick<ChatDocument, 'id' | 'isEmpty' | 'lastReply' | 'newestReplies' | 'systemPrompt'>;

/** What the panels with settings edit: those of the chat, which is the `AppModel`, or those of a lane of Compare. */
export interface PanelModel {
  readonly engine: Pick<EngineState, 'model' | 'status' | 'ready'>;
  readonly modelSettings: ModelSettingsState;
  readonly grammarCheck: GrammarCheck;
  readonly automatic: AutomaticRequests;
  readonly session: Pick<ChatSession, 'busy' | 'running' | 'draft' | 'hasDraft' | 'promptOf'> &
    Partial<Pick<ChatSession, 'storedPrefix'>> & {
      /** How the next token would be drawn. Absent: as the first one of a reply to `promptOf`. */
      nextDraw?(): (signal: AbortSignal) => Promise<DrawQuestion>;
    };
  readonly chats: {
    readonly current: PanelChat;
    /** Changes one that may be closed by now; absent: it is there as long as the panel. */
    changeFacts?(chat: PanelChat, facts: { systemPrompt: string }): Promise<void>;
  };
  /** What the settings apply to, if not to all chats with the model: `Only for lane A`. */
  readonly scope?: string;
}

const [getPanelModel, setPanelModel] = createContext<PanelModel>();
export { getPanelModel, setPanelModel };
