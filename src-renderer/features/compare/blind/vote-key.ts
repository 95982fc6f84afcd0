/** Keys of a blind vote: the number of a text, 0 for a tie, S to skip. */
export type VoteKey = { kind: 'text'; index: number } | { kind: 'tie' } | { kind: 'skip' };

/** @param texts number of texts @returns null for other keys, and while text is typed */
export function voteKey(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'shiftKey'>,
  texts: number,
  typing: boolean,
): VoteKey | null {
  if (typing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return null;
  if (event.key === '0') return { kind: 'tie' };
  if (event.key.toLowerCase() === 's') return { kind: 'skip' };
  const number = /^[1-8]$/u.test(event.key) ? Number(event.key) : 0;
  return number >= 1 && number <= texts ? { kind: 'text', index: number - 1 } : null;
}
