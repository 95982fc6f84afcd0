import { tick } from 'svelte';

/**
 * Moves the focus to the first button in `area` when the one that had it goes away. Call it in a component's script.
 * @param shown what decides which buttons there are
 * @returns tries again, when a button comes into view later
 */
export function keepFocus(area: () => HTMLElement | undefined, shown: () => unknown): () => void {
  /** The focus was in the area, and is nowhere by now. */
  let lost = false;
  const move = () => {
    if (!lost) return;
    if (document.activeElement === document.body) area()?.querySelector<HTMLElement>('button:enabled')?.focus();
    lost = document.activeElement === document.body;
  };
  // Before the button goes away.
  $effect.pre(() => {
    shown();
    if (area()?.contains(document.activeElement)) lost = true;
    if (lost) void tick().then(move);
  });
  return move;
}
