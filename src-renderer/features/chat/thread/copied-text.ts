import type { ChatTurn } from '../state/chat-document.svelte.ts';
import { Reply } from '../state/reply.svelte.ts';

/**
 * What a selection in the thread is copied as: the turns' own text. What the page would give has a line end for each
 * block, and lacks the turns that are not in the page.
 *
 * @param elementOf the element of the turn at an index, where it is in the page
 * @returns null when the selection begins or ends in no turn's text, which the page copies well enough
 */
export function copiedText(
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
      texts.push(turn.text);
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
    if (range.compareBoundaryPoints(Range.END_TO_END, inside) < 0) inside.setEnd(range.endContainer, range.endOffset);
    texts.push(turn instanceof Reply ? textWithin(turn, body, inside) : inside.toString());
  }
  const text = texts.filter((one) => one !== '').join('\n\n');
  return text === '' ? null : text;
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

/** Where in the reply's text a place in the page is, UTF-16 units. */
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
  // White space at the beginning may be left out in the page, so it is counted from the end.
  const rest = (span.textContent ?? '').length - upTo.toString().length;
  return Math.max(from, end - rest);
}

/** The last of some elements, in their order, that begins in a range. */
function lastBefore(elements: NodeListOf<HTMLElement>, range: Range): HTMLElement | null {
  let low = 0;
  let high = elements.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const element = elements[middle];
    // `comparePoint` is 1 behind the range.
    if (range.comparePoint(element, 0) <= 0) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : elements[low - 1];
}
