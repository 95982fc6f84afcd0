import { occurrences, searchable } from '../find/searchable.ts';

const NAME = 'found';
const CURRENT = 'found-current';
/** Marks in one thread; more would cost time and help nobody. */
const MAX_MARKS = 1000;
/** Not part of a text: controls, drawn formulas, numbers of footnotes, folded reasoning. */
const LEFT_OUT = '[data-ui], [role="math"], sup, [hidden]';
/** Text is not found across these. */
const ENDS = 'br, [data-markdown] :is(p, h3, h4, h5, h6, li, td, th, pre)';

/** Marks a text wherever it is in the `[data-copy]` elements below `root`, without changing them. Empty: removes all marks. */
export function markText(root: Element, query: string): void {
  mark(NAME, query === '' ? [] : rangesOf(root, query));
}

/** Marks one occurrence apart from the others. Null: removes the mark. */
export function markCurrent(range: Range | null): void {
  mark(CURRENT, range === null ? [] : [range]);
}

function mark(name: string, ranges: readonly Range[]): void {
  if (!('highlights' in CSS)) return;
  if (ranges.length === 0) return void CSS.highlights.delete(name);
  const highlight = new Highlight(...ranges);
  if (name === CURRENT) highlight.priority = 1;
  CSS.highlights.set(name, highlight);
}

/** Occurrences of a text within a line, case-insensitive, also across elements. */
export function rangesOf(root: Element, query: string): Range[] {
  const ranges: Range[] = [];
  for (const body of root.querySelectorAll('[data-copy]')) {
    const nodes: Text[] = [];
    const starts: number[] = [];
    let text = '';
    const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, (node) => {
      if (!(node instanceof Element)) return NodeFilter.FILTER_ACCEPT;
      if (node.matches(LEFT_OUT)) return NodeFilter.FILTER_REJECT;
      return node.matches(ENDS) ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP;
    });
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (node instanceof Text) {
        nodes.push(node);
        starts.push(text.length);
        text += node.data;
      } else text += '\n';
    }
    for (const at of occurrences(searchable(text), query)) {
      if (ranges.length === MAX_MARKS) return ranges;
      const end = at + query.length;
      const range = document.createRange();
      const [first, last] = [nodeAt(starts, at), nodeAt(starts, end - 1)];
      range.setStart(nodes[first], at - starts[first]);
      range.setEnd(nodes[last], end - starts[last]);
      ranges.push(range);
    }
  }
  return ranges;
}

/** Index of the last start that is not after `at`. */
function nodeAt(starts: readonly number[], at: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
