import { createContext } from 'svelte';
import type { FlowProps } from '../../chat/thread/flow-props.ts';
import { tokenAt } from './leaf-tokens.ts';
import type { MarkdownText } from './markdown-text.svelte.ts';

/** What all parts of a section's Markdown share. */
export interface MarkdownFlowState {
  /** Reactive. */
  readonly props: Readonly<FlowProps>;
  readonly text: MarkdownText;
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
    const { reply, hot } = this.#flow.props;
    const { from, to } = this.#range();
    return { first: tokenAt(reply, from), end: tokenAt(reply, to) + 1, hot };
  });
  /** The focused token, if it is in this part. */
  readonly hot = $derived.by(() => {
    if (!this.#flow.props.asTokens || this.#flow.props.hot === null) return null;
    const { first, end, hot } = this.#tokens;
    return hot !== null && hot >= first && hot < end ? hot : null;
  });
  /** The token that the badge is before, if it is in this part. */
  readonly badgeAt = $derived.by(() => {
    const at = this.#flow.props.mark?.at ?? null;
    if (at === null) return null;
    const { first, end } = this.#tokens;
    return at >= first && at < end ? at : null;
  });
  /** Whether each token has an element. */
  readonly drawn = $derived.by(() => {
    const { asTokens, mark } = this.#flow.props;
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
    this.#flow.props.nearby.observe(element, (near) => (this.#near = near));
}

export const [getScope, setScope] = createContext<TokenScope>();
