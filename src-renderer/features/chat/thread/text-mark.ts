import type { Snippet } from 'svelte';
import type { TextBlock } from '../state/text-blocks.ts';

/** What a reply's text has in common with another one. */
export interface TextMark {
  /** Tokens that both begin with. */
  readonly shared: number;
  /** Index of the first token that differs, which gets the badge; null while none does. */
  readonly at: number | null;
  readonly badge: Snippet;
}

/** Within a block, so that it does not change where the shared text ends elsewhere. */
export function sharedIn({ first, end }: TextBlock, mark: TextMark | undefined): number {
  return mark === undefined ? first : Math.min(end, Math.max(first, mark.shared));
}

/** The mark if its badge is before a token of the block. */
export function badgeIn({ first, end }: TextBlock, mark: TextMark | undefined): TextMark | undefined {
  const at = mark?.at ?? null;
  return at !== null && at >= first && at < end ? mark : undefined;
}
