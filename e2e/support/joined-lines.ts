import type { Locator } from '@playwright/test';

/** The largest distance between the end of a block and the start of one that continues its line, px. */
export function gapOf(text: Locator): Promise<number> {
  return text.evaluate((element) => {
    const edge = (block: Element, side: 'left' | 'right') => {
      const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
      const nodes: Text[] = [];
      for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) nodes.push(node as Text);
      const filled = nodes.filter(({ length }) => length > 0);
      const node = filled.at(side === 'left' ? 0 : -1)!;
      const range = document.createRange();
      range.setStart(node, side === 'left' ? 0 : node.length - 1);
      range.setEnd(node, side === 'left' ? 1 : node.length);
      return range.getClientRects()[0][side];
    };
    const joined = [...element.querySelectorAll('[data-testid="text-block"][data-continues]')];
    if (joined.length === 0) return Infinity;
    return Math.max(
      ...joined.map((block) => Math.abs(edge(block, 'left') - edge(block.previousElementSibling!, 'right'))),
    );
  });
}
