/**
 * Blocks of one paragraph share a line: a block is moved up by one line and indented to the end of the previous block,
 * which is measured because it depends on fonts and widths.
 */

/** Indents the blocks of `flow` that continue a line, from child `from` on. */
export function joinLines(flow: HTMLElement, from = 0): void {
  const isRightToLeft = getComputedStyle(flow).direction === 'rtl';
  for (let at = Math.max(1, from); at < flow.children.length; at++) {
    const block = flow.children[at] as HTMLElement;
    if (block.dataset['continues'] === undefined) continue;
    const end = endOfText(flow.children[at - 1]);
    if (end === null) continue;
    const { left, right } = flow.getBoundingClientRect();
    block.style.textIndent = `${isRightToLeft ? right - end.left : end.right - left}px`;
  }
}

/** The place of the last character in `block`, px in the window; null without a layout. */
function endOfText(block: Element): DOMRect | null {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  let last: Text | null = null;
  for (let node = walker.lastChild(); node !== null; node = walker.lastChild()) {
    if (node instanceof Text) last = node;
  }
  while (last !== null && last.length === 0) last = walker.previousNode() as Text | null;
  if (last === null) return null;
  const range = document.createRange();
  const isPair = /[\udc00-\udfff]$/u.test(last.data.slice(-1)) && last.length > 1;
  range.setStart(last, last.length - (isPair ? 2 : 1));
  range.setEnd(last, last.length);
  return Array.from(range.getClientRects()).at(-1) ?? null;
}
