/** Marks what was searched for. */
import { RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, ViewPlugin, type DecorationSet, type EditorView, type ViewUpdate } from '@codemirror/view';
import { occurrences, searchable } from '../../chat/find/searchable.ts';

/** UTF-16 offsets. */
export interface FoundRange {
  from: number;
  to: number;
}

export interface FoundText {
  /** Marked wherever it is; empty: nothing is. */
  query: string;
  /** The occurrence that was jumped to, until the text changes. */
  current: FoundRange | null;
}

export const setFound = StateEffect.define<Partial<FoundText>>();

export const foundText = StateField.define<FoundText>({
  create: () => ({ query: '', current: null }),
  update(before, { docChanged, effects }) {
    let next = docChanged && before.current !== null ? { ...before, current: null } : before;
    for (const effect of effects) if (effect.is(setFound)) next = { ...next, ...effect.value };
    return next;
  },
});

const FOUND = Decoration.mark({ class: 'found' });
const CURRENT = Decoration.mark({ class: 'found current', attributes: { 'data-testid': 'found-current' } });

const foundMarks = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = marksIn(view);
    }

    update({ view, docChanged, viewportChanged, startState, state }: ViewUpdate): void {
      const isChanged = startState.field(foundText) !== state.field(foundText);
      if (docChanged || viewportChanged || isChanged) this.decorations = marksIn(view);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

export const found = [foundText, foundMarks];

function marksIn({ state, visibleRanges }: EditorView): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  const { query, current } = state.field(foundText);
  if (query === '' && current === null) return Decoration.none;
  const ranges = visibleRanges.flatMap(({ from, to }) => foundIn(state.sliceDoc(from, to), query, from));
  const others = ranges.filter(({ from, to }) => current === null || to <= current.from || from >= current.to);
  const marks = others.map((range) => ({ ...range, mark: FOUND }));
  if (current !== null) marks.push({ ...current, mark: CURRENT });
  for (const { from, to, mark } of marks.sort((a, b) => a.from - b.from)) builder.add(from, to, mark);
  return builder.finish();
}

/** Where a text is in another one, whatever its case. @param start offset of `text` */
export function foundIn(text: string, query: string, start = 0): FoundRange[] {
  return occurrences(searchable(text), query).map((at) => ({ from: start + at, to: start + at + query.length }));
}
