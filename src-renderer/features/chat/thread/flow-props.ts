import type { Snippet } from 'svelte';
import type { Reply } from '../state/reply.svelte.ts';
import type { ReplySection } from '../state/text-blocks.ts';
import type { NearbySource } from './nearby.ts';
import type { TextMark } from './text-mark.ts';
import type { TintOfToken } from './tint.ts';
import type { TokenSpan } from './token-focus.svelte.ts';

/** What a section of a reply's text is shown with, formatted or not. */
export interface FlowProps {
  reply: Reply;
  section: ReplySection;
  asTokens: boolean;
  tintOf: TintOfToken;
  /** Leave out white space before the first word. */
  bare: boolean;
  /** The focused token. */
  hot: number | null;
  pinned: boolean;
  /** The selected tokens of the reply. */
  span: TokenSpan | null;
  nearby: NearbySource;
  /** Its end is visible at first. */
  startsNear: boolean;
  /** After the text, in its last line. */
  tail?: Snippet | undefined;
  /** What the text has in common with another one. */
  mark?: TextMark | undefined;
}
