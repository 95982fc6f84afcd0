/**
 * Moves the focus into the view on screen, unless it has it already: to where its first region begins, else to its
 * heading.
 */
export function focusView(): void {
  // The chat stays in the page while another view is shown.
  const view = [...document.querySelectorAll('main')].find((main) => main.checkVisibility());
  if (view === undefined || view.contains(document.activeElement)) return;
  targetIn(view).focus({ preventScroll: true });
}

function targetIn(view: HTMLElement): HTMLElement {
  const region = view.querySelector<HTMLElement>('[data-region="thread"]');
  // It scrolls.
  if (region !== null && region.tabIndex >= 0) return region;
  const start = region?.querySelector<HTMLElement>('[data-region-focus]');
  return start ?? view.querySelector<HTMLElement>('h1') ?? view;
}
