/**
 * Chats or runs of Compare in the order of their lists. ISO 8601 in UTC sorts as text; reading thousands of dates again
 * and again would take longer than drawing them.
 */
export function newestFirst<T extends { readonly updatedAt: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => (a.updatedAt < b.updatedAt ? 1 : a.updatedAt > b.updatedAt ? -1 : 0));
}
