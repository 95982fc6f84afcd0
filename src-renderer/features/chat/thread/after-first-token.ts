import { nextFrame } from '../../../lib/next-frame.ts';
import type { Reply } from '../state/reply.svelte.ts';

/** Longest wait, ms: while a long prompt is read, older texts are drawn. */
const LONGEST_WAIT_MS = 100;

interface Parts {
  frame?: (callback: () => void) => void;
  /** In milliseconds. */
  now?: () => number;
}

/**
 * Frames for work that waits for the first token of a new reply: a person waits for that, and the engine needs the
 * processor for it.
 * @param latest the latest reply of the chat
 */
export function afterFirstToken(
  latest: () => Pick<Reply, 'id' | 'phase'> | null,
  { frame = nextFrame, now = () => performance.now() }: Parts = {},
): (callback: () => void) => void {
  let awaited = '';
  let since = 0;
  const isWaiting = (): boolean => {
    const reply = latest();
    if (reply?.phase !== 'waiting' && reply?.phase !== 'reading') return false;
    if (reply.id !== awaited) [awaited, since] = [reply.id, now()];
    return now() - since < LONGEST_WAIT_MS;
  };
  return (callback) => {
    const look = (): void => (isWaiting() ? frame(look) : callback());
    frame(look);
  };
}
