import { renderedText } from '../../markdown/rendered-text.ts';
import { typedOf } from '../attachments/message-text.ts';
import type { ChatTurn, UserTurn } from '../state/chat-document.svelte.ts';
import { Reply } from '../state/reply.svelte.ts';

/** Copies the selection in the thread as the turns' own text, if that differs from what the browser would copy. */
export function copySelection(
  event: ClipboardEvent,
  turns: readonly ChatTurn[],
  thread: { indexOf(node: Node): number | null; elementOf(index: number): Element | null },
): void {
  const selection = document.getSelection();
  if (selection === null || selection.isCollapsed || event.clipboardData === null) return;
  const range = selection.getRangeAt(0);
  const first = thread.indexOf(range.startContainer);
  const last = thread.indexOf(range.endContainer);
  if (first === null || last === null) return;
  const text = copiedText(range, turns, first, last, thread.elementOf);
  if (text === null) return;
  event.clipboardData.setData('text/plain', text);
  event.preventDefault();
}

/**
 * The text to copy for a selection in the thread, taken from the turns. The browser's own would have a line break after
 * each block, and lack the turns that are not in the DOM.
 *
 * @param elementOf the element of the turn at an index, or null if it is not in the DOM
 * @returns null if the selection starts or ends outside the turns' text: the browser's default is fine then
 */
function copiedText(
  range: Range,
  turns: readonly ChatTurn[],
  first: number,
  last: number,
  elementOf: (index: number) => Element | null,
): string | null {
  const texts: string[] = [];
  for (let index = first; index <= last; index++) {
    const turn = turns[index];
    const body = elementOf(index)?.querySelector('[data-copy]') ?? null;
    if (body === null) {
      texts.push(wholeText(turn));
      continue;
    }
    const inside = document.createRange();
    inside.selectNodeContents(body);
    if (!range.intersectsNode(body)) {
      if (first === last) return null;
      continue;
    }
    if (range.compareBoundaryPoints(Range.START_TO_START, inside) > 0) {
      inside.setStart(range.startContainer, range.startOffset);
    }
    const isToEnd = range.compareBoundaryPoints(Range.END_TO_END, inside) >= 0;
    if (!isToEnd) inside.setEnd(range.endContainer, range.endOffset);
    const isFormatted = body.querySelector('[data-markdown]') !== null;
    // The browser knows the layout of formatted text, and also copies its formats.
    if (isFormatted && first === last && body.contains(range.startContainer) && body.contains(range.endContainer)) {
      return null;
    }
    if (isFormatted) texts.push(renderedText(inside));
    else if (turn instanceof Reply) texts.push(textWithin(turn, body, inside));
    else texts.push(isToEnd ? typedFrom(turn, body, inside) : inside.toString());
  }
  const text = texts.filter((one) => one !== '').join('\n\n');
  return text === '' ? null : text;
}

/** What a turn shows, without its files and folded reasoning. */
function wholeText(turn: ChatTurn): string {
  if (!(turn instanceof Reply)) return typedOf(turn);
  return turn.reasoningOpen ? turn.text : turn.answer;
}

/** A message from where a range begins. A long one has only its beginning in the DOM. */
function typedFrom(turn: UserTurn, body: Element, range: Range): string {
  const before = document.createRange();
  before.setStart(body, 0);
  before.setEnd(range.startContainer, range.startOffset);
  return typedOf(turn).slice(before.toString().length);
}

function textWithin(reply: Reply, body: Element, range: Range): string {
  const from = offsetAt(reply, body, range.startContainer, range.startOffset);
  const to = offsetAt(reply, body, range.endContainer, range.endOffset);
  const shown = reply.sections.filter(({ kind }) => kind === 'answer' || reply.reasoningOpen);
  return shown
    .map(({ blocks }) => {
      const end = Math.min(to, blocks[blocks.length - 1].to);
      return reply.slice(Math.min(end, Math.max(from, blocks[0].from)), end);
    })
    .join('');
}

/** Offset in the reply's text of a DOM position, UTF-16 units. */
function offsetAt(reply: Reply, body: Element, node: Node, at: number): number {
  const upTo = document.createRange();
  upTo.setStart(body, 0);
  upTo.setEnd(node, at);
  const block = lastBefore(body.querySelectorAll<HTMLElement>('[data-from]'), upTo);
  if (block === null) return 0;
  const from = Number(block.dataset['from']);
  const to = Number(block.dataset['to']);
  const span = lastBefore(block.querySelectorAll<HTMLElement>(':scope > [data-index], :scope > span'), upTo);
  if (span === null || span.dataset['lead'] !== undefined) return from;
  upTo.setStart(span, 0);
  const index = span.dataset['index'];
  const end = index === undefined ? to : Math.min(to, reply.startOf(Number(index) + 1));
  // Leading white space may not be in the DOM, so count from the end.
  const rest = (span.textContent ?? '').length - upTo.toString().length;
  return Math.max(from, end - rest);
}

/** The last of some elements, in document order, that begins in a range. */
function lastBefore(elements: NodeListOf<HTMLElement>, range: Range): HTMLElement | null {
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const element = elements[middle];
    // `comparePoint` is 1 after the range.
    if (range.comparePoint(element, 0) <= 0) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : elements[low - 1];
}
