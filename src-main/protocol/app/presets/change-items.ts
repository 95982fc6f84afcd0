import { EngineError } from '../../../engine/api/errors.ts';
import { cutText } from '../../cut-text.ts';
import { isSameItem, MAX_ITEM_NAME, MAX_SAVED_ITEMS, type SavedItem, type SavedItemChange } from './saved-items.ts';

export interface ChangedItems {
  items: SavedItem[];
  /** Of the saved item; null after a deletion. */
  id: string | null;
  /** Whether anything is to be stored. */
  isChanged: boolean;
}

/**
 * Applies a change to all items. See `AppMethods.savedItemChange`.
 * @param newId for a copy
 * @throws EngineError BAD_REQUEST if there are too many items
 */
export function changeItems(items: SavedItem[], { was, now }: SavedItemChange, newId: () => string): ChangedItems {
  const at = items.findIndex(({ id }) => id === (was ?? now)?.id);
  const stored = items[at] ?? null;
  const saved = nowOrCopy({ stored, was, now }, newId);
  const isBlockedDeletion = now === null && !isSameItem(stored, was);
  if (isBlockedDeletion || isSameItem(stored, saved)) return { items, id: saved?.id ?? null, isChanged: false };
  const changed =
    saved === null
      ? items.filter((item) => item !== stored)
      : saved.id === stored?.id
        ? items.with(at, saved)
        : [...items, saved];
  if (changed.length > MAX_SAVED_ITEMS) {
    throw new EngineError(
      'BAD_REQUEST',
      `At most ${MAX_SAVED_ITEMS} presets and prompts can be saved. Delete some first.`,
    );
  }
  return { items: changed, id: saved?.id ?? null, isChanged: true };
}

/** What is stored: a copy with its own id and name if someone else changed the item meanwhile. */
function nowOrCopy(
  { stored, was, now }: SavedItemChange & { stored: SavedItem | null },
  newId: () => string,
): SavedItem | null {
  // Repeated after a lost answer.
  if (now === null || isSameItem(stored, now)) return now;
  // A deleted item that is changed again returns under its own id.
  if (stored === null || isSameItem(stored, was)) return now;
  const suffix = ' (copy)';
  return { ...now, id: newId(), name: `${cutText(now.name, MAX_ITEM_NAME - suffix.length)}${suffix}` };
}
