import { tick } from 'svelte';
import { nextFrame } from '../lib/next-frame.ts';

/** Unfinished calls of `focusComposer`. */
let moving = 0;

/** The composer is about to take the focus: what is typed is text for it, and no command. */
export function composerTakesFocus(): boolean {
  return moving > 0;
}

/** Call it when the view with the composer is shown. */
export function focusComposer(): void {
  moving++;
  void tick().then(() => {
    focus();
    // A drawer that closes may have returned the focus to its button.
    nextFrame(() => {
      moving--;
      if (document.activeElement?.matches('input, textarea') !== true) focus();
    });
  });
}

function focus(): void {
  document.querySelector<HTMLElement>('[data-testid="composer"]')?.focus();
}
