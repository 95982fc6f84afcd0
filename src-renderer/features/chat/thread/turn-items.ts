import Copy from '@lucide/svelte/icons/copy';
import GitBranch from '@lucide/svelte/icons/git-branch';
import Trash2 from '@lucide/svelte/icons/trash-2';
import { isTyping } from '../../../lib/is-typing.ts';
import { nextFrame } from '../../../lib/next-frame.ts';
import { copyText } from '../../../ui/copy.ts';
import { formatCount } from '../../../ui/format.ts';
import { toasts } from '../../../ui/toasts.svelte.ts';
import type { MenuItem } from '../../../ui/types.ts';
import type { AppModel } from '../state/app-model.svelte.ts';
import { typedOf } from '../attachments/message-text.ts';
import type { ChatTurn } from '../state/chat-document.svelte.ts';
import type { EditKind } from '../state/turn-actions.svelte.ts';
import { markdownParser } from '../../markdown/state/parser-client.ts';
import { markdownAsText } from '../../markdown/state/reply-as-text.ts';

/** Without the files of a message, and the reasoning of a reply. */
const textOf = (turn: ChatTurn) => (turn.role === 'user' ? typedOf(turn) : turn.answer);

/** Only replies are Markdown: the asterisks in what a person typed are not syntax. */
async function plainTextOf(turn: ChatTurn): Promise<string> {
  return turn.role === 'user' ? textOf(turn) : await markdownAsText(textOf(turn), markdownParser);
}

/** Menu items for copying a turn. */
export function copyItems(turn: ChatTurn): MenuItem[] {
  const what = turn.role === 'user' ? 'Message' : 'Answer';
  return [
    {
      label: 'Copy as text',
      icon: Copy,
      testId: 'copy-text',
      disabled: textOf(turn) === '',
      onselect: () => void plainTextOf(turn).then((text) => copyText(text, what)),
    },
    {
      label: 'Copy as Markdown',
      icon: Copy,
      testId: 'copy-markdown',
      disabled: textOf(turn) === '',
      onselect: () => void copyText(textOf(turn), what),
    },
  ];
}

/** The menu item that ends the path at a turn. */
export function branchItem({ session }: Pick<AppModel, 'session'>, turn: ChatTurn): MenuItem {
  return {
    label: 'Branch from here',
    icon: GitBranch,
    testId: 'turn-branch',
    disabled: session.busy,
    onselect() {
      const undo = session.turns.branchAt(turn);
      toasts.show({
        text: 'The next message starts a branch here',
        detail: 'The later messages are kept.',
        undo: () => void undo(),
      });
      focusRegion('[data-testid="composer"]');
    },
  };
}

/** The menu item that deletes a turn. */
export function deleteItem(app: Pick<AppModel, 'session'>, turn: ChatTurn): MenuItem {
  return {
    label: 'Delete',
    icon: Trash2,
    danger: true,
    end: 'Del',
    testId: 'turn-delete',
    onselect: () => void deleteTurn(app, turn),
  };
}

/** Deletes a turn with what follows it, and offers to undo that. */
export async function deleteTurn({ session }: Pick<AppModel, 'session'>, turn: ChatTurn): Promise<void> {
  const later = session.turns.countAfter(turn);
  const undo = await session.turns.remove(turn);
  toasts.show({
    text: turn.role === 'user' ? 'Message deleted' : 'Reply deleted',
    ...(later === 0 ? {} : { detail: `${formatCount(later, 'later message')} deleted with it` }),
    undo: () => void undo(),
  });
  focusRegion('[data-region="thread"]');
}

/** Closes the editor of a turn, and offers to bring a changed text back. */
export function discardEdit(
  { chats, session: { turns } }: Pick<AppModel, 'chats' | 'session'>,
  turn: ChatTurn,
  kind: EditKind = 'edit',
): void {
  const { current: chat } = chats;
  const text = turns.textOf(turn, kind);
  const isChanged = text !== null && text !== turns.originalOf(turn, kind);
  turns.close(turn, kind);
  if (isChanged) toasts.show({ text: 'Edit discarded', undo: () => turns.setText(turn, kind, text, chat) });
}

/** The focused control has gone, or the menu returned the focus to it. */
function focusRegion(selector: string): void {
  nextFrame(() => {
    if (isTyping()) return;
    document.querySelector<HTMLElement>(selector)?.focus({ preventScroll: true });
  });
}
