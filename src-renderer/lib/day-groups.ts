import { newestFirst } from '../../src-main/protocol/app/newest-first.ts';

export interface DayGroup<T> {
  name: 'Today' | 'Yesterday' | 'Previous 7 days' | 'Older';
  items: T[];
}

/** Midnight at the start of the day `daysAgo` days before `now`, as this computer's calendar counts days. */
function startOfDay(now: Date, daysAgo: number): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() - daysAgo).getTime();
}

/**
 * Groups by the day of the last change, newest first. `Previous 7 days` starts the day before yesterday. Empty groups are
 * left out.
 */
export function groupByDay<T extends { readonly updatedAt: string }>(items: readonly T[], now: Date): DayGroup<T>[] {
  const groups: (DayGroup<T> & { since: number })[] = [
    { name: 'Today', since: startOfDay(now, 0), items: [] },
    { name: 'Yesterday', since: startOfDay(now, 1), items: [] },
    { name: 'Previous 7 days', since: startOfDay(now, 7), items: [] },
    { name: 'Older', since: -Infinity, items: [] },
  ];
  for (const item of newestFirst(items)) {
    const at = Date.parse(item.updatedAt);
    groups.find((group) => at >= group.since)?.items.push(item);
  }
  return groups.filter((group) => group.items.length > 0).map(({ name, items: members }) => ({ name, items: members }));
}
