import type { ChatSummary } from '../../src-main/protocol/app/app-services.ts';
import type { ChatsState } from '../features/chat/state/chats.svelte.ts';
import type { ChatSession } from '../features/chat/state/chat-session.svelte.ts';
import { exportedChat, type ChatFileFormat } from '../features/chat/transfer/export-text.ts';
import { markdownParser } from '../features/markdown/state/parser-client.ts';
import { markdownAsText } from '../features/markdown/state/reply-as-text.ts';
import { saveFile } from '../lib/save-file.ts';
import { toasts } from '../ui/toasts.svelte.ts';

/** What a person can do with a chat of the list. */
export interface ChatCommands {
  rename(chat: ChatSummary, title: string): void;
  pin(chat: ChatSummary): void;
  /** Asks for the folder. */
  move(chat: ChatSummary): void;
  duplicate(chat: ChatSummary): void;
  exportAs(chat: ChatSummary, format: ChatFileFormat): void;
  delete(chat: ChatSummary): void;
}

/** @param onmove asks for the folder @param onopened another chat was opened */
export function chatCommands(
  { chats, session }: { chats: ChatsState; session: ChatSession },
  { onmove, onopened }: { onmove: (chat: ChatSummary) => void; onopened: () => void },
): ChatCommands {
  const run = (work: Promise<void>) => void work;
  return {
    rename: (chat, title) => run(chats.rename(chat.id, title)),
    pin: (chat) => run(chats.change(chat.id, [{ type: 'facts', facts: { pinned: !chat.pinned } }])),
    move: onmove,
    duplicate: (chat) =>
      run(
        chats.duplicate(chat.id).then((id) => {
          if (id === null) return;
          onopened();
          toasts.show({ text: 'Chat duplicated', detail: chat.title });
        }),
      ),
    exportAs: (chat, format) =>
      run(
        chats.read(chat.id).then(async (stored) => {
          if (stored === null) return;
          const asText = async (markdown: string) => await markdownAsText(markdown, markdownParser);
          const { name, blob } = await exportedChat(stored, format, asText);
          saveFile(blob, name);
        }),
      ),
    delete: (chat) =>
      run(
        session.leave(chat.id).then(async () => {
          const undo = await chats.remove(chat.id);
          if (undo) toasts.show({ text: 'Chat deleted', detail: chat.title, undo: () => void undo() });
        }),
      ),
  };
}
