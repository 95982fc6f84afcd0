/** What a write does to a stored run of Compare, wherever it is stored. */
import { cutText } from '../../cut-text.ts';
import type { StoredComparison } from './comparison.ts';

/** Longest title of a copy without its suffix, UTF-16 units. */
const MAX_COPIED_TITLE = 900;

/**
 * @param origin the writing page
 * @param stored null if there is no such run
 * @returns the revision after the write; null if someone else has changed the run, so that a copy is saved
 */
export function revisionAfter(
  { revision }: Pick<StoredComparison, 'revision'>,
  origin: string,
  stored: { revision: number; origin: string } | null,
): number | null {
  if (stored === null) return revision + 1;
  // A page whose own write is newer did not receive its answer.
  const isOwn = stored.revision === revision || (stored.origin === origin && stored.revision > revision);
  return isOwn ? stored.revision + 1 : null;
}

export function copyOf(comparison: StoredComparison, id: string): StoredComparison {
  const title = comparison.title === '' ? '' : `${cutText(comparison.title, MAX_COPIED_TITLE)} (copy)`;
  return { ...comparison, id, title, revision: 1 };
}
