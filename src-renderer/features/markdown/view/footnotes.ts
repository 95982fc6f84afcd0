/** Moves to a footnote of the same reply, or back to its first call. */
export function goTo(from: HTMLElement, kind: 'footnote' | 'footnote-call', id: string): void {
  const target = from.closest('[data-markdown]')?.querySelector<HTMLElement>(`[data-${kind}="${CSS.escape(id)}"]`);
  target?.scrollIntoView({ block: 'nearest' });
  target?.focus({ preventScroll: true });
}
