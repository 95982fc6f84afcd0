import type { AppServices, OpenedItem } from '../../src-main/protocol/app/app-services.ts';
import type { LibraryState } from '../features/models/library.svelte.ts';
import type { ChatSession } from '../features/chat/state/chat-session.svelte.ts';
import { toasts } from '../ui/toasts.svelte.ts';
import { shell } from './shell.svelte.ts';

interface OpenedParts {
  services: AppServices;
  library: Pick<LibraryState, 'added' | 'load'>;
  session: Pick<ChatSession, 'draft'>;
  /** Shows an empty chat with the focus in its composer. */
  newChat(): void;
}

/** Shows what the system opens with the app: loads a model file, writes a link's question. @returns stops */
export function followOpened(parts: OpenedParts): () => void {
  const { services } = parts;
  const take = () => {
    // A page that has lost the app asks again when it hears of the next item.
    services.invoke('openedTake').then(
      (items) => items.forEach((item) => void show(item, parts)),
      () => undefined,
    );
  };
  take();
  return services.onEvent((event) => {
    if (event.type === 'opened') take();
  });
}

async function show(item: OpenedItem, { library, session, newChat }: OpenedParts): Promise<void> {
  if (item.type === 'model') {
    shell.show('models');
    if (await library.added(item.listing)) await library.load(item.listing.id);
    return;
  }
  newChat();
  // Links come from anybody, so a person sends the question, or does not.
  session.draft = [session.draft, item.text].filter((text) => text.trim() !== '').join('\n');
  toasts.show({ text: 'A link opened this question', detail: 'Send it, or change it first.' });
}
