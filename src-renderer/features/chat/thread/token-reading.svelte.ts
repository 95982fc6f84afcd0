import { NO_TOKEN } from '../../../../src-main/protocol/app/chats/chat.ts';
import { indexAt } from '../../../lib/index-at.ts';
import { latinKey } from '../../../lib/latin-key.ts';
import { visibleText } from '../../../lib/visible.ts';
import { formatCount, formatInteger, formatPercent } from '../../../ui/format.ts';
import { announce } from '../../../ui/live-region.svelte.ts';
import { NOT_GENERATED, type RecomputedTokens } from '../state/recomputed-tokens.svelte.ts';
import type { Reply } from '../state/reply.svelte.ts';
import { spanFigures } from '../state/span-figures.ts';
import { candidateRows } from './candidates.ts';
import { tokenElement } from './token-element.ts';
import { TokenFocus } from './token-focus.svelte.ts';
import { tokenLabel } from './token-label.ts';

/** Getters are reactive. */
export interface TokenReadingParts {
  readonly reply: Reply;
  /** Its tokens can be looked at. */
  readonly asTokens: boolean;
  readonly recomputed: RecomputedTokens;
  /** The engine is generating. */
  readonly busy: boolean;
  /** Why there are no branches, in addition to `recomputed.blocked`; or null. */
  readonly branchBlocked: string | null;
  /** The element with the text, which has the keyboard focus; null unless it is mounted. */
  readonly body: HTMLElement | null;
  /** Branches with token `id` in place of token `index`. */
  branch(index: number, id: number): void;
  /** Shows how token `index` was drawn. */
  explain(index: number): void;
  /** Shows what the model computed for token `index`. */
  look(index: number): void;
}

/** What a person does with the tokens of a reply: walk, pin, select, branch. By pointer and by keyboard. */
export class TokenReading {
  readonly focus = new TokenFocus();
  /** The token whose card is shown. */
  readonly token = $derived.by(() => {
    const { reply, asTokens } = this.#parts;
    const { index } = this.focus;
    return asTokens && index !== null && index < reply.count ? reply.token(index) : null;
  });
  /** Its index. Not through `token`, which depends on the number of tokens: every token depends on it. */
  readonly hot = $derived.by(() => (this.#parts.asTokens ? this.focus.index : null));
  /** Selected tokens. */
  readonly span = $derived.by(() => (this.hot === null ? null : this.focus.span));
  readonly figures = $derived.by(() => {
    const { span } = this;
    return span === null || this.token === null ? null : spanFigures(this.#parts.reply, span.first, span.end);
  });
  /** The element of the token. The block may be plain text without token elements until it is near. */
  anchor = $state.raw<HTMLElement | null>(null);
  readonly #details = $derived.by(() => {
    const { token } = this;
    if (token === null) return null;
    return this.#parts.recomputed.detailsOf(token.index) ?? this.#parts.reply.detailsOf(token.index);
  });
  readonly #rows = $derived.by(() => {
    return this.token === null || this.#details === null ? [] : candidateRows(this.token, this.#details);
  });
  readonly #parts: TokenReadingParts;
  /** The token where the pointer went down, until it goes up. */
  #dragFrom: number | null = null;
  /** The click that follows is the end of a drag. */
  #dragged = false;

  constructor(parts: TokenReadingParts) {
    this.#parts = parts;
  }

  /** For an effect. */
  follow(): void {
    const { body, asTokens } = this.#parts;
    if (!asTokens) this.focus.close();
    this.anchor = this.token === null || body === null ? null : tokenElement(body, this.token.index);
  }

  readonly onkeydown = (event: KeyboardEvent): void => {
    const { reply, asTokens, body } = this.#parts;
    if (!asTokens || event.target !== body || event.ctrlKey || event.altKey || event.metaKey) return;
    const { token, span, focus } = this;
    const key = latinKey(event);
    const single = span === null ? token : null;
    if (single !== null && key === 'h') this.explain(single.index);
    else if (single !== null && key === 'i') this.look(single.index);
    else if (single !== null && (key === 'b' || (event.key === 'Enter' && focus.row !== null))) {
      const blocked = this.#blocked;
      if (blocked !== null) announce(blocked);
      else this.branch(focus.row === null ? single.id : this.#rows[focus.row].key);
    } else if (!focus.key(event.key, reply.count, { shift: event.shiftKey, rows: this.#rows.length })) return;
    else this.#announceFocus();
    event.preventDefault();
    event.stopPropagation();
  };

  readonly onpointerdown = (event: PointerEvent): void => {
    this.#dragged = false;
    const isDrag = this.#parts.asTokens && event.button === 0 && event.pointerType === 'mouse';
    this.#dragFrom = isDrag ? indexAt(event.target) : null;
  };

  readonly onpointermove = (event: PointerEvent): void => {
    if (!this.#parts.asTokens) return;
    const index = indexAt(event.target);
    const from = this.#dragFrom;
    if (from === null || event.buttons !== 1) {
      this.#dragFrom = null;
      this.focus.point(index);
    } else if (index !== null && (this.#dragged || index !== from)) {
      this.#dragged = true;
      this.focus.select(from, index);
    }
  };

  readonly onclick = (event: MouseEvent): void => {
    if (this.#parts.asTokens && !this.#dragged) this.focus.toggle(indexAt(event.target));
    this.#dragged = false;
  };

  /** The pointer or the keyboard focus leaves the text. */
  readonly onleave = (): void => this.focus.point(null);

  /** Of the document. */
  readonly onescape = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || event.isComposing || this.focus.index === null) return;
    this.focus.close();
    event.preventDefault();
  };

  /** Of the document. */
  readonly onpointerelsewhere = (event: PointerEvent): void => {
    const { focus } = this;
    if (!(focus.pinned || focus.span !== null) || !(event.target instanceof Element)) return;
    if (event.target.closest('[data-testid="token-popover"], [data-testid="span-card"]')) return;
    if (!this.#parts.body?.contains(event.target)) focus.close();
  };

  /** Branches with another token in place of the one whose card is shown. */
  branch(id: number): void {
    const { token } = this;
    if (token === null) return;
    this.focus.close();
    this.#parts.branch(token.index, id);
  }

  /** The focus returns to the text when the explanation is closed. */
  explain(index: number): void {
    this.focus.close();
    this.#parts.body?.focus();
    this.#parts.explain(index);
  }

  look(index: number): void {
    this.focus.close();
    this.#parts.look(index);
  }

  get #blocked(): string | null {
    if (this.token?.id === NO_TOKEN) return NOT_GENERATED;
    const { busy, recomputed, branchBlocked } = this.#parts;
    return busy ? 'A reply is being generated.' : (recomputed.blocked ?? branchBlocked);
  }

  #announceFocus(): void {
    const { token } = this;
    if (token === null) return;
    // Moving into folded reasoning unfolds it.
    if (token.part !== 'answer') this.#parts.reply.reasoningOpen = true;
    announce(this.#focusText());
    const { index } = token;
    // After its block has been drawn.
    requestAnimationFrame(() => {
      const { body } = this.#parts;
      if (body !== null) tokenElement(body, index)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    });
  }

  #focusText(): string {
    const { token, figures, focus } = this;
    if (token === null) return '';
    if (figures !== null) {
      const perplexity = figures.perplexity === null ? '' : `, perplexity ${figures.perplexity.toFixed(2)}`;
      const share = figures.share === null ? '' : `, ${formatPercent(figures.share)} of the reply’s surprisal`;
      return `${formatCount(figures.tokens, 'token')} selected${perplexity}${share}`;
    }
    const rows = this.#rows;
    if (focus.row !== null) return `Candidate ${focus.row + 1} of ${rows.length}: ${rows[focus.row].description}`;
    const details = this.#details;
    const name = visibleText(tokenLabel(token, details));
    if (token.id === NO_TOKEN) return `${name}, not generated`;
    const rank = details === null ? '' : `, rank ${formatInteger(details.rank)}`;
    return `${name}, ${formatPercent(Math.exp(token.logprob))} likely${rank}`;
  }
}
