import { tick } from 'svelte';
import { isTyping } from '../lib/is-typing.ts';
import { nextFrame } from '../lib/next-frame.ts';

/** Unfinished calls of `focusComposer`. */
let moving = 0;

/** Whether the composer is about to take the focus: keys are then text for it, not commands. */
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
      if (!isTyping()) focus();
    });
  });
}

function focus(): void {
  document.querySelector<HTMLElement>('[data-testid="composer"]')?.focus();
}
