import { MediaQuery } from 'svelte/reactivity';

export const VIEW_NAMES = {
  chat: 'Chat',
  compare: 'Compare',
  models: 'Models',
  tokenizer: 'Tokenizer',
  inside: 'Inside',
} as const;
export type View = keyof typeof VIEW_NAMES;

/** State of the window. What must outlive the window is a setting. */
class Shell {
  view = $state<View>('chat');
  settingsOpen = $state(false);
  paletteOpen = $state(false);
  shortcutsOpen = $state(false);
  tourOpen = $state(false);
  /** Asks whether to delete all chats. */
  deleteChatsOpen = $state(false);
  /** Lists deleted chats. */
  deletedChatsOpen = $state(false);
  /** Where the settings open; null for their top. */
  settingsSection = $state<'about' | 'updates' | null>(null);
  /** Below 760 px the sidebar is a drawer. */
  chatsDrawerOpen = $state(false);

  #compact = new MediaQuery('max-width: 1080px');
  #narrow = new MediaQuery('max-width: 760px');

  /** The panel is a drawer. */
  get compact(): boolean {
    return this.#compact.current;
  }
  /** The sidebar is a drawer too, and view names are icons. */
  get narrow(): boolean {
    return this.#narrow.current;
  }

  show(view: View): void {
    this.view = view;
    this.chatsDrawerOpen = false;
  }
}
export const shell = new Shell();
