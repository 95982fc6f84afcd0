/** Whether something is in an open menu. */
export function isInMenu(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[role="menu"]') !== null;
}

/** Focuses the first item that can be chosen, and the menu itself if there is none. @returns what has the focus */
export function focusFirstItem(menu: HTMLElement): HTMLElement {
  const first = menu.querySelector<HTMLElement>('[role="menuitem"]:not([data-disabled])') ?? menu;
  first.focus({ preventScroll: true });
  return first;
}

/**
 * The focus moves into a menu only a frame after it has opened. A key that comes before would act on what still has the
 * focus: it would close the menu again, or change the message behind it. It goes to the first item instead. Attach it to
 * the menu.
 */
export function takeEarlyKeys(menu: HTMLElement): () => void {
  const onkeydown = (event: KeyboardEvent): void => {
    // The key that opened the menu is still held: it must choose nothing.
    const isHeld = event.repeat && (event.key === 'Enter' || event.key === ' ');
    if (isInMenu(event.target) && !isHeld) return;
    event.stopImmediatePropagation();
    if (event.repeat) event.preventDefault();
    else if (!focusFirstItem(menu).dispatchEvent(new KeyboardEvent(event.type, event))) event.preventDefault();
  };
  const capture = { capture: true };
  document.addEventListener('keydown', onkeydown, capture);
  return () => document.removeEventListener('keydown', onkeydown, capture);
}
