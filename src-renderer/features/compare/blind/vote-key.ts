import { latinKey } from '../../../lib/latin-key.ts';

/** Keys of a blind vote: the number of a text, 0 for a tie, S to skip. */
export type VoteKey = { kind: 'text'; index: number } | { kind: 'tie' } | { kind: 'skip' };

/** @param texts number of texts @returns null for other keys, and while text is typed */
export function voteKey(
  event: Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'metaKey' | 'shiftKey'>,
  texts: number,
  typing: boolean,
): VoteKey | null {
  if (typing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return null;
  const key = latinKey(event);
  if (key === '0') return { kind: 'tie' };
  if (key === 's') return { kind: 'skip' };
  const number = /^[1-8]$/u.test(key) ? Number(key) : 0;
  return number >= 1 && number <= texts ? { kind: 'text', index: number - 1 } : null;
}
