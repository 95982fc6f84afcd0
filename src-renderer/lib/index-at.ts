/** The `data-index` of what an event happened on or in; null elsewhere. */
export function indexAt(target: EventTarget | null): number | null {
  const index = target instanceof Element ? target.closest<HTMLElement>('[data-index]')?.dataset['index'] : undefined;
  return index === undefined ? null : Number(index);
}
