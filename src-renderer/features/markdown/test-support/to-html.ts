import { normalizeUri } from 'micromark-util-sanitize-uri';
import type { Block, Inline, ListItem } from '../tree.ts';

/** HTML of a tree in the form of the CommonMark specification's examples. */
export function toHtml(blocks: readonly Block[]): string {
  return blocks.map((block) => blockHtml(block, false)).join('');
}

const escape = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const pieces = (leaves: readonly { text: string }[]) => leaves.map(({ text }) => text).join('');

function blockHtml(block: Block, tight: boolean): string {
  switch (block.type) {
    case 'paragraph':
      return tight ? inlines(block.children) : `<p>${inlines(block.children)}</p>\n`;
    case 'heading':
      return `<h${block.level}>${inlines(block.children)}</h${block.level}>\n`;
    case 'quote':
      return `<blockquote>\n${toHtml(block.children)}</blockquote>\n`;
    case 'list': {
      const tag = block.ordered ? 'ol' : 'ul';
      const start = block.ordered && block.start !== 1 ? ` start="${block.start}"` : '';
      return `<${tag}${start}>\n${block.items.map((one) => itemHtml(one, block.loose)).join('')}</${tag}>\n`;
    }
    case 'code': {
      const language = block.language === '' ? '' : ` class="language-${escape(block.language)}"`;
      const code = pieces(block.pieces);
      return `<pre><code${language}>${escape(code)}${code === '' ? '' : '\n'}</code></pre>\n`;
    }
    case 'html':
      return `${pieces(block.pieces)}\n`;
    case 'rule':
      return '<hr />\n';
    case 'table': {
      const row = (cells: readonly { children: Inline[] }[], tag: string) =>
        `<tr>${cells.map(({ children }) => `<${tag}>${inlines(children)}</${tag}>`).join('')}</tr>\n`;
      return `<table>\n${row(block.head, 'th')}${block.rows.map((one) => row(one, 'td')).join('')}</table>\n`;
    }
    case 'footnote':
      return `<footnote id="${escape(block.id)}">\n${toHtml(block.children)}</footnote>\n`;
    case 'plain':
      return `<plain reason="${block.reason}">${escape(pieces(block.pieces))}</plain>\n`;
  }
}

function itemHtml({ children, checked }: ListItem, loose: boolean): string {
  const check = checked === null ? '' : checked ? '[x] ' : '[ ] ';
  let html = '';
  for (const block of children) {
    const isTight = block.type === 'paragraph' && !loose;
    if (!isTight && !html.endsWith('\n')) html += '\n';
    html += blockHtml(block, !loose);
  }
  return `<li>${check}${html}</li>\n`;
}

function inlines(nodes: readonly Inline[]): string {
  return nodes.map(inline).join('');
}

function inline(node: Inline): string {
  switch (node.type) {
    case 'text':
      return escape(node.text);
    case 'emphasis':
      return `<em>${inlines(node.children)}</em>`;
    case 'strong':
      return `<strong>${inlines(node.children)}</strong>`;
    case 'strikethrough':
      return `<del>${inlines(node.children)}</del>`;
    case 'code':
      return `<code>${inlines(node.children)}</code>`;
    case 'html':
      return node.children.map((child) => (child.type === 'text' ? child.text : '')).join('');
    case 'break':
      return '<br />\n';
    case 'link':
      return `<a href="${escape(normalizeUri(node.url))}"${titled(node.title)}>${inlines(node.children)}</a>`;
    case 'image':
      return `<img src="${escape(normalizeUri(node.url))}" alt="${escape(plain(node.children))}"${titled(node.title)} />`;
    case 'maths':
      return `<math${node.display ? ' display' : ''}>${escape(node.tex)}</math>`;
    case 'footnote-call':
      return `<sup>${escape(node.id)}</sup>`;
  }
}

const titled = (title: string) => (title === '' ? '' : ` title="${escape(title)}"`);

function plain(nodes: readonly Inline[]): string {
  return nodes
    .map((node) => (node.type === 'text' ? node.text : node.type === 'break' ? '\n' : plain(node.children)))
    .join('');
}
