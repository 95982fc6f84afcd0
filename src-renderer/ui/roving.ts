/** Arrow-key navigation in a group with one tab stop. */
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/**
 * The index that a key moves to, or null for other keys. Wraps around at both ends.
 *
 * @param count members of the group, at least 1
 */
export function nextIndex(key: string, current: number, count: number): number | null {
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  const step = STEPS[key];
  return step === undefined ? null : (current + step + count) % count;
}

/** Moves the focus among the elements of a group that match `selector`; returns the index of the newly focused one. */
export function moveFocus(event: KeyboardEvent, selector: string): number | null {
  if (!(event.currentTarget instanceof HTMLElement)) return null;
  const members = [...event.currentTarget.querySelectorAll<HTMLElement>(selector)];
  const current = members.findIndex((member) => member === document.activeElement);
  if (current < 0) return null;
  const next = nextIndex(event.key, current, members.length);
  if (next === null) return null;
  event.preventDefault();
  members[next]?.focus();
  return next;
}
