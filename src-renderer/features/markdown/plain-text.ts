import type { Block, Inline, ListItem } from './tree.ts';

/** A reply without Markdown's syntax, as it looks on screen. */
export function plainText(blocks: readonly Block[]): string {
  return blocks
    .map((block) => blockText(block))
    .filter((text) => text !== '')
    .join('\n\n');
}

function blockText(block: Block): string {
  switch (block.type) {
    case 'paragraph':
    case 'heading':
      return inlineText(block.children);
    case 'quote':
      return plainText(block.children);
    case 'footnote':
      return `[${block.id}] ${plainText(block.children)}`;
    case 'list': {
      const mark = (item: ListItem, at: number) =>
        item.checked === null ? (block.ordered ? `${block.start + at}.` : '•') : item.checked ? '☑' : '☐';
      const items = block.items.map((item, at) => indented(`${mark(item, at)} `, itemText(item, block.loose)));
      return items.join(block.loose ? '\n\n' : '\n');
    }
    case 'table': {
      const rows = [block.head, ...block.rows];
      return rows.map((row) => row.map(({ children }) => inlineText(children)).join('\t')).join('\n');
    }
    case 'rule':
      return '—';
    case 'code':
    case 'html':
    case 'plain':
      return block.pieces.map(({ text }) => text).join('');
  }
}

function itemText({ children }: ListItem, loose: boolean): string {
  return children.map(blockText).join(loose ? '\n\n' : '\n');
}

function indented(mark: string, text: string): string {
  return mark + text.replaceAll('\n', `\n${' '.repeat(mark.length)}`);
}

function inlineText(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => {
      switch (node.type) {
        case 'text':
          return node.text;
        case 'break':
          return '\n';
        case 'maths':
          return node.tex.trim();
        case 'footnote-call':
          return `[${node.id}]`;
        case 'link': {
          const text = inlineText(node.children);
          return text === node.url || `mailto:${text}` === node.url ? text : `${text} (${node.url})`;
        }
        case 'image':
          return `${inlineText(node.children)} (${node.url})`;
        default:
          return inlineText(node.children);
      }
    })
    .join('');
}
