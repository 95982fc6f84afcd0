import { createContext } from 'svelte';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { Nearby } from '../../chat/thread/nearby.ts';
import type { TextMark } from '../../chat/thread/text-mark.ts';
import type { TintOfToken } from '../../chat/thread/tint.ts';
import type { TokenSpan } from '../../chat/thread/token-focus.svelte.ts';
import { tokenAt } from './leaf-tokens.ts';
import type { MarkdownText } from './markdown-text.svelte.ts';

/** What all parts of a reply's Markdown share. Its properties are reactive. */
export interface MarkdownFlowState {
  readonly reply: Reply;
  readonly text: MarkdownText;
  readonly asTokens: boolean;
  readonly tintOf: TintOfToken;
  readonly hot: number | null;
  readonly pinned: boolean;
  readonly span: TokenSpan | null;
  readonly nearby: Nearby;
  readonly mark: TextMark | undefined;
}

export const [getFlow, setFlow] = createContext<MarkdownFlowState>();

/** A part of the text that has an element per token only while it is near the visible part. */
export class TokenScope {
  #near = $state(false);
  readonly #flow: MarkdownFlowState;
  readonly #range: () => { from: number; to: number };

  constructor(flow: MarkdownFlowState, range: () => { from: number; to: number }, near: boolean) {
    this.#flow = flow;
    this.#range = range;
    this.#near = near;
  }

  readonly #tokens = $derived.by(() => {
    const { reply, hot } = this.#flow;
    const { from, to } = this.#range();
    return { first: tokenAt(reply, from), end: tokenAt(reply, to) + 1, hot };
  });
  /** The focused token, if it is in this part. */
  readonly hot = $derived.by(() => {
    if (!this.#flow.asTokens || this.#flow.hot === null) return null;
    const { first, end, hot } = this.#tokens;
    return hot !== null && hot >= first && hot < end ? hot : null;
  });
  /** The token that the badge is before, if it is in this part. */
  readonly badgeAt = $derived.by(() => {
    const at = this.#flow.mark?.at ?? null;
    if (at === null) return null;
    const { first, end } = this.#tokens;
    return at >= first && at < end ? at : null;
  });
  /** Whether each token has an element. */
  readonly drawn = $derived.by(() => {
    const { asTokens, mark } = this.#flow;
    return (
      (asTokens && (this.#near || this.hot !== null)) || (mark !== undefined && this.#near) || this.badgeAt !== null
    );
  });

  /** In or near the visible part, as far as is known. */
  get near(): boolean {
    return this.#near;
  }

  /** Observes the part's element. */
  readonly attach = (element: Element): (() => void) =>
    this.#flow.nearby.observe(element, (near) => (this.#near = near));
}

export const [getScope, setScope] = createContext<TokenScope>();
