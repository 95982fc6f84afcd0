/** What was deleted and can still be restored. */
import type { ChatSummary } from './chats/chat.ts';

/** How long deleted chats and runs of Compare can be restored. */
export const KEEP_DELETED_DAYS = 30;
const KEEP_DELETED_MS = KEEP_DELETED_DAYS * 24 * 60 * 60 * 1000;

/** Chats that one call deletes for good, at most. */
export const MAX_PURGED = 100_000;

/** A deleted chat or notebook that can be restored. */
export interface DeletedChat extends ChatSummary {
  /** ISO 8601, UTC. */
  deletedAt: string;
  /** When it will be deleted for good. ISO 8601, UTC. */
  keptUntil: string;
}

/** Whether something is to be deleted for good. @param deletedAt and `now`: ms since 1970 */
export function isExpired(deletedAt: number, now = Date.now()): boolean {
  return now - deletedAt >= KEEP_DELETED_MS;
}

/** Chats that can be restored, the latest deletion first. @param deleted `deletedAt`: ms since 1970 */
export function restorable(deleted: readonly { summary: ChatSummary; deletedAt: number }[]): DeletedChat[] {
  const isoDate = (ms: number) => new Date(ms).toISOString();
  return deleted
    .filter(({ deletedAt }) => !isExpired(deletedAt))
    .sort((a, b) => b.deletedAt - a.deletedAt)
    .map(({ summary, deletedAt }) => ({
      ...summary,
      deletedAt: isoDate(deletedAt),
      keptUntil: isoDate(deletedAt + KEEP_DELETED_MS),
    }));
}
