import type { ChatSummary } from './chat.ts';

/**
 * A summary's number of branches, that is, ends of paths.
 * @param turns without deleted ones
 * @param parents of these turns; none is deleted, because its descendants would be deleted, too
 */
export function branchesOf(turns: number, parents: ReadonlySet<string>): Pick<ChatSummary, 'branches'> {
  const ends = turns - parents.size;
  return ends > 1 ? { branches: ends } : {};
}
