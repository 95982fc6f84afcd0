const NAME = 'found';
/** Marks in one thread; more would cost time and help nobody. */
const MAX_MARKS = 1000;

/** Marks a text wherever it is in the `[data-copy]` elements below `root`, without changing them. Empty: removes all marks. */
export function markText(root: Element, query: string): void {
  if (!('highlights' in CSS)) return;
  const ranges = query === '' ? [] : rangesOf(root, query);
  if (ranges.length === 0) CSS.highlights.delete(NAME);
  else CSS.highlights.set(NAME, new Highlight(...ranges));
}

/** Occurrences of a text, case-insensitive, also across elements. */
export function rangesOf(root: Element, query: string): Range[] {
  const ranges: Range[] = [];
  const wanted = query.toLowerCase();
  for (const body of root.querySelectorAll('[data-copy]')) {
    const nodes: Text[] = [];
    const starts: number[] = [];
    let text = '';
    const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      nodes.push(node as Text);
      starts.push(text.length);
      text += lowerCase((node as Text).data);
    }
    for (
      let at = text.indexOf(wanted);
      at >= 0 && ranges.length < MAX_MARKS;
      at = text.indexOf(wanted, at + wanted.length)
    ) {
      const range = document.createRange();
      const [first, last] = [nodeAt(starts, at), nodeAt(starts, at + wanted.length - 1)];
      range.setStart(nodes[first], at - starts[first]);
      range.setEnd(nodes[last], at + wanted.length - starts[last]);
      ranges.push(range);
    }
  }
  return ranges;
}

/** Offsets must stay, but a few characters have another length in lower case. */
function lowerCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.length === text.length ? lower : text;
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
