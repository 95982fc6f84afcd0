import type { ChatSummary } from '../../src-main/protocol/app/app-services.ts';
import type { ChatsState } from '../features/chat/state/chats.svelte.ts';
import { exportedChat, type ChatFileFormat } from '../features/chat/transfer/export-text.ts';
import { markdownParser } from '../features/markdown/state/parser-client.ts';
import { markdownAsText } from '../features/markdown/state/reply-as-text.ts';
import { saveFile } from '../lib/save-file.ts';
import { formatCount } from '../ui/format.ts';
import { toasts } from '../ui/toasts.svelte.ts';
import { kindOf } from './chat-kind.ts';
import type { Documents } from './documents.svelte.ts';
import { focusBeside } from './row-focus.ts';

/** What a person can do with a chat of the list. */
export interface ChatCommands {
  rename(chat: ChatSummary, title: string): void;
  pin(chat: ChatSummary): void;
  /** Asks for the folder. */
  move(chat: ChatSummary): void;
  duplicate(chat: ChatSummary): void;
  exportAs(chat: ChatSummary, format: ChatFileFormat): void;
  delete(chat: ChatSummary): void;
  deleteAll(): void;
}

/** @param onmove asks for the folder */
export function chatCommands(
  { chats, documents }: { chats: ChatsState; documents: Documents },
  { onmove }: { onmove: (chat: ChatSummary) => void },
): ChatCommands {
  const run = (work: Promise<void>) => void work;
  return {
    rename(chat, title) {
      run(chats.rename(chat.id, title));
      const undo = () => run(chats.rename(chat.id, chat.title));
      toasts.show({ text: `${kindOf(chat)} renamed`, detail: title, undo });
    },
    pin: (chat) => run(chats.change(chat.id, [{ type: 'facts', facts: { pinned: !chat.pinned } }])),
    move: onmove,
    duplicate: (chat) =>
      run(
        chats.duplicate(chat.id).then(async (id) => {
          if (id === null) return;
          await documents.open(id);
          toasts.show({ text: `${kindOf(chat)} duplicated`, detail: chat.title });
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
    delete(chat) {
      const moveFocus = focusBeside(chat.id);
      run(
        documents.leave(chat.id).then(async (reopen) => {
          const undo = await chats.remove(chat.id);
          if (undo === null) return reopen();
          moveFocus();
          const undone = () => void undo().then(reopen);
          toasts.show({ text: `${kindOf(chat)} deleted`, detail: chat.title, undo: undone });
        }),
      );
    },
    deleteAll: () => run(deleteAll(chats, documents)),
  };
}

async function deleteAll(chats: ChatsState, documents: Documents): Promise<void> {
  const undos: (() => Promise<void>)[] = [];
  for (const { id } of chats.list) {
    const reopen = await documents.leave(id);
    const undo = await chats.remove(id);
    if (undo === null) reopen();
    else undos.push(() => undo().then(reopen));
  }
  if (undos.length === 0) return;
  const undoAll = async () => {
    for (const undo of undos) await undo();
  };
  toasts.show({ text: `${formatCount(undos.length, 'chat')} deleted`, undo: () => void undoAll() });
}

/** Moves a chat to a folder; empty: out of its folder. */
export function moveChat(chats: ChatsState, chat: ChatSummary, folder: string): void {
  const move = (to: string) => void chats.change(chat.id, [{ type: 'facts', facts: { folder: to } }]);
  move(folder);
  if (folder === chat.folder) return;
  const text = folder === '' ? `${kindOf(chat)} moved out of its folder` : `${kindOf(chat)} moved to ${folder}`;
  toasts.show({ text, detail: chat.title, undo: () => move(chat.folder) });
}
