/** Which parts of the editor's text are tokens of replies. */
import { RangeSet, RangeSetBuilder, RangeValue, StateEffect, StateField, type Range } from '@codemirror/state';
import { Decoration, ViewPlugin, type DecorationSet, type EditorView, type ViewUpdate } from '@codemirror/view';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import { tokenMark } from '../../../../src-main/protocol/app/chats/notebook.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { tintOf, UNKNOWN_MEASURES } from '../../chat/thread/tint.ts';
import type { MeasuresByToken } from '../state/shown-measures.svelte.ts';
import type { NotebookToken } from '../state/token-runs.ts';

class TokenMark extends RangeValue {
  // Text that is typed beside a token is not part of it.
  override startSide = 1;
  override endSide = -1;

  constructor(
    readonly reply: Reply,
    readonly index: number,
    readonly kept: boolean,
  ) {
    super();
  }

  override eq(other: RangeValue): boolean {
    return (
      other instanceof TokenMark && other.reply === this.reply && other.index === this.index && other.kept === this.kept
    );
  }
}

function rangeOf({ from, to, reply, index, kept }: NotebookToken): Range<TokenMark> {
  return new TokenMark(reply, index, kept).range(from, to);
}

/** Replaces all tokens, after the changes of the same transaction. */
export const setTokens = StateEffect.define<readonly NotebookToken[]>();
/** Adds tokens, in order, after the changes of the same transaction. */
export const addTokens = StateEffect.define<readonly NotebookToken[]>();
/** What is shown of tokens. */
export const setView = StateEffect.define<TokenView>();

export interface TokenView {
  /** Tint every token, instead of marking generated text. Otherwise only the one in `hot`. */
  asTokens: boolean;
  colours: TokenColours;
  /** What colours are made of, as far as the replies do not have it. */
  measures: MeasuresByToken;
  /** Start of the token whose details are shown, or null. */
  hot: number | null;
}

export const tokenView = StateField.define<TokenView>({
  create: () => ({
    asTokens: false,
    colours: { by: 'probability', doubtBelow: 0 },
    measures: new Map(),
    hot: null,
  }),
  update: (view, transaction) => transaction.effects.findLast((effect) => effect.is(setView))?.value ?? view,
});

/** Tokens that were not edited. */
export const tokenMarks = StateField.define<RangeSet<TokenMark>>({
  create: () => RangeSet.empty,
  update(marks, transaction) {
    let next = marks;
    if (transaction.docChanged) {
      transaction.changes.iterChangedRanges((start, end) => {
        const isWhole = (from: number, to: number) => to <= start || from >= end;
        next = next.update({ filterFrom: start, filterTo: end, filter: isWhole });
      });
      next = next.map(transaction.changes);
    }
    for (const effect of transaction.effects) {
      if (effect.is(setTokens)) next = RangeSet.of(effect.value.map(rangeOf));
      else if (effect.is(addTokens)) next = next.update({ add: effect.value.map(rangeOf) });
    }
    return next;
  },
});

/** The token that a cursor is in or behind; at its start, if there is none before it. */
export function tokenAt(view: EditorView, position: number): NotebookToken | null {
  let found: NotebookToken | null = null;
  view.state.field(tokenMarks).between(position, position, (from, to, { reply, index, kept }) => {
    found = { from, to, reply, index, kept };
    return false;
  });
  return found;
}

/** The token that begins at a position. */
export function tokenFrom(view: EditorView, start: number): NotebookToken | null {
  let found: NotebookToken | null = null;
  view.state.field(tokenMarks).between(start, start, (from, to, { reply, index, kept }) => {
    if (from !== start) return;
    found = { from, to, reply, index, kept };
    return false;
  });
  return found;
}

/** The tokens on screen, in order. */
export function visibleTokens({ state, visibleRanges }: EditorView): NotebookToken[] {
  const found: NotebookToken[] = [];
  for (const visible of visibleRanges) {
    state.field(tokenMarks).between(visible.from, visible.to, (from, to, { reply, index, kept }) => {
      if (from >= (found.at(-1)?.to ?? 0)) found.push({ from, to, reply, index, kept });
    });
  }
  return found;
}

const GENERATED = Decoration.mark({ class: 'generated' });

/** Decorates what is on screen only: a long text has tens of thousands of tokens. */
export const tokenDecorations = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = decorationsOf(view);
    }

    update({ view, docChanged, viewportChanged, startState, state }: ViewUpdate): void {
      const isChanged =
        docChanged ||
        viewportChanged ||
        startState.field(tokenMarks) !== state.field(tokenMarks) ||
        startState.field(tokenView) !== state.field(tokenView);
      if (isChanged) this.decorations = decorationsOf(view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function decorationsOf(view: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const shown = view.state.field(tokenView);
  for (const token of visibleTokens(view)) {
    const { from, to, kept } = token;
    if (shown.asTokens || from === shown.hot) builder.add(from, to, tokenDecoration(token, shown));
    else if (!kept) builder.add(from, to, GENERATED);
  }
  return builder.finish();
}

function tokenDecoration({ reply, index, from }: NotebookToken, { colours, measures, hot }: TokenView): Decoration {
  const measured = measures.get(tokenMark(reply.id, index)) ?? UNKNOWN_MEASURES;
  const tint = tintOf(colours, { logprob: reply.token(index).logprob, ...measured });
  return Decoration.mark({
    class: from === hot ? 'tok hot' : 'tok',
    attributes: {
      'data-testid': 'token',
      'data-from': String(from),
      ...(tint === null ? {} : { [tint.scale === 'prob' ? 'data-p' : 'data-s']: String(tint.step) }),
      ...(tint?.line == null ? {} : { 'data-line': tint.line }),
    },
  });
}
