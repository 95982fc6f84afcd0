import { PLAIN, type BlockToken } from '../../chat/thread/block-tokens.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { Leaf } from '../tree.ts';

type TokenSource = Pick<Reply, 'count' | 'columns' | 'startOf'>;

/**
 * The tokens of a leaf. A token that is partly syntax, as in `**bold`, has what is shown of it.
 *
 * @param isCode all its white space is kept
 */
export function leafTokens(reply: TokenSource, leaf: Leaf, isCode: boolean): BlockToken[] {
  const { logprobs } = reply.columns;
  const isExact = leaf.text.length === leaf.to - leaf.from;
  const tokens: BlockToken[] = [];
  for (let index = tokenAt(reply, leaf.from), at = leaf.from; at < leaf.to && index < reply.count; index++) {
    const start = reply.startOf(index);
    const end = Math.min(reply.startOf(index + 1), leaf.to);
    if (end <= at) continue;
    const text = isExact ? leaf.text.slice(at - leaf.from, end - leaf.from) : leaf.text;
    const begins = start >= leaf.from || start >= leaf.after;
    const plain = !isCode && PLAIN.test(text);
    tokens.push({ index, text, logprob: logprobs[index], isMark: false, begins, lead: '', plain });
    // An escape or a character reference is shown once, whatever tokens it is made of.
    if (!isExact) break;
    at = end;
  }
  return tokens;
}

/** Index of the token that an offset is in. */
export function tokenAt(reply: TokenSource, offset: number): number {
  let low = 0;
  let high = reply.count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (reply.startOf(middle + 1) > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}
