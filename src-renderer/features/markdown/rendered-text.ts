const BLOCKS = new Set('P,H1,H2,H3,H4,H5,H6,LI,BLOCKQUOTE,PRE,TR,HR,DIV,UL,OL,TABLE'.split(','));
const CELLS = new Set(['TD', 'TH']);

/** The text of a part of the page as it looks: with line ends between blocks, tabs between cells, and nothing folded. */
export function renderedText(range: Range): string {
  const fragment = range.cloneContents();
  for (const element of fragment.querySelectorAll('[data-ui], [hidden]')) element.remove();
  return textOf(fragment)
    .replace(/\n{3,}/gu, '\n\n')
    .trim();
}

function textOf(node: Node): string {
  if (node instanceof Text) return node.data;
  const inner = [...node.childNodes].map(textOf).join('');
  if (!(node instanceof Element)) return inner;
  if (node.tagName === 'BR') return '\n';
  if (CELLS.has(node.tagName)) return `${inner}\t`;
  if (!BLOCKS.has(node.tagName)) return inner;
  const end = node.matches('[data-testid="markdown-block"]') ? '\n\n' : '\n';
  return `${inner.replace(/[\t\n]+$/u, '')}${end}`;
}
