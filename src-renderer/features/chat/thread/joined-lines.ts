/**
 * Blocks of one paragraph share a line: a block is moved up by one line and indented to the end of the previous block,
 * which is measured because it depends on fonts and widths.
 */

/** Event of a flow whose blocks were joined. */
const JOINED = 'joined';

/** Of the blocks, px. */
const indents = new WeakMap<Element, number>();
/** One for all: a document updates each range that is not yet garbage-collected whenever a node is removed. */
const range = document.createRange();

/**
 * Calls `listener` when blocks in `element` were joined. While they were measured, the text may have been a line shorter: a
 * scroll container at its end was moved up, and its size is now what it was before.
 * @returns stops
 */
export function onJoined(element: HTMLElement | null, listener: () => void): () => void {
  element?.addEventListener(JOINED, listener);
  return () => element?.removeEventListener(JOINED, listener);
}

/** Indents the blocks of `flow` that continue a line, from child `from` on. */
export function joinLines(flow: HTMLElement, from = 0): void {
  let moved = false;
  for (let at = Math.max(1, from); at < flow.children.length; at++) {
    moved = join(flow, flow.children[at] as HTMLElement) || moved;
  }
  if (moved) flow.dispatchEvent(new Event(JOINED, { bubbles: true }));
}

/** Indents what follows `block`, whose end may have moved: up to the first block that stays where it is. */
export function joinAfter(flow: HTMLElement, block: Element): void {
  const first = block.nextElementSibling;
  let next = first;
  while (next !== null && join(flow, next as HTMLElement)) next = next.nextElementSibling;
  if (next !== first) flow.dispatchEvent(new Event(JOINED, { bubbles: true }));
}

/** @returns whether the block was moved */
function join(flow: HTMLElement, block: HTMLElement): boolean {
  const before = block.previousElementSibling;
  if (before === null || block.dataset['continues'] === undefined) return false;
  const end = endOfText(before);
  if (end === null) return false;
  const isRightToLeft = getComputedStyle(flow).direction === 'rtl';
  const { left, right } = flow.getBoundingClientRect();
  const indent = isRightToLeft ? right - end.left : end.right - left;
  if (indents.get(block) === indent) return false;
  indents.set(block, indent);
  block.style.textIndent = `${indent}px`;
  return true;
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
  const isPair = /[\udc00-\udfff]$/u.test(last.data.slice(-1)) && last.length > 1;
  range.setStart(last, last.length - (isPair ? 2 : 1));
  range.setEnd(last, last.length);
  const end = Array.from(range.getClientRects()).at(-1) ?? null;
  range.selectNodeContents(document);
  range.collapse(true);
  return end;
}
