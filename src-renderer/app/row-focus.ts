import { isTyping } from '../lib/is-typing.ts';
import { nextFrame } from '../lib/next-frame.ts';

/** The chat whose row takes the focus from another one: the next, else the one before. @param ids in their order */
export function rowBeside(ids: readonly string[], id: string): string | null {
  const at = ids.indexOf(id);
  return at < 0 ? null : (ids[at + 1] ?? ids[at - 1] ?? null);
}

/**
 * Call it before a chat is deleted.
 * @returns moves the focus, if it was in the row of the chat or in its menu, to the row beside it, else to the composer
 */
export function focusBeside(id: string): () => void {
  const row = (of: string) => `[data-chat-id="${CSS.escape(of)}"]`;
  const wasThere = document.activeElement?.closest(`${row(id)}, [role="menu"]`) != null;
  const rows = [...document.querySelectorAll<HTMLElement>('[data-chat-id]')];
  const beside = rowBeside(
    rows.map(({ dataset }) => dataset['chatId'] ?? ''),
    id,
  );
  const move = () => {
    if (!wasThere || isTyping()) return;
    const target = beside === null ? null : document.querySelector<HTMLElement>(row(beside));
    (target ?? document.querySelector<HTMLElement>('[data-testid="composer"]'))?.focus();
  };
  return () => nextFrame(move);
}
