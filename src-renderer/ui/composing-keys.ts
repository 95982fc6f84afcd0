/** For `onEscapeKeydown` of a dialog: while an input method composes a character, Escape is its own. */
export function leaveToInputMethod(event: KeyboardEvent): void {
  if (event.isComposing) event.preventDefault();
}
