import type { Block, Inline } from './tree.ts';

/** The text of a reply as the page shows it, with line ends between blocks: what can be found in it. */
export function shownText(blocks: readonly Block[]): string {
  return blocks.map(blockText).join('\n');
}

function blockText(block: Block): string {
  switch (block.type) {
    case 'paragraph':
    case 'heading':
      return inlineText(block.children);
    case 'quote':
    case 'footnote':
      return shownText(block.children);
    case 'list':
      return block.items.map(({ children }) => shownText(children)).join('\n');
    case 'table':
      return [block.head, ...block.rows]
        .flat()
        .map((cell) => inlineText(cell.children))
        .join('\n');
    case 'rule':
      return '';
    case 'code':
    case 'html':
    case 'plain':
      return block.pieces.map(({ text }) => text).join('');
  }
}

function inlineText(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.type) {
        case 'text':
          return node.text;
        // Formulas are drawn, and footnotes have numbers.
        case 'break':
        case 'maths':
        case 'footnote-call':
          return '\n';
        default:
          return inlineText(node.children);
      }
    })
    .join('');
}
