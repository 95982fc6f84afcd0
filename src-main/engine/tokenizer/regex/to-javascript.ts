import { type CharSet } from './char-set.ts';
import type { RegexNode } from './syntax.ts';

/**
 * The same regular expression for JavaScript, flag `u`. Every set is written out as code points, so that neither
 * JavaScript's ASCII `\w` nor the Unicode version of the host has a say.
 */
export function toJavaScript(node: RegexNode): string {
  switch (node.type) {
    case 'set':
      return setSource(node.set);
    case 'sequence':
      return node.items.map((item) => (item.type === 'alternation' ? group(item) : toJavaScript(item))).join('');
    case 'alternation':
      return node.options.map(toJavaScript).join('|');
    case 'repeat':
      return (
        (node.item.type === 'set' ? toJavaScript(node.item) : group(node.item)) +
        quantifier(node) +
        (node.lazy ? '?' : '')
      );
    case 'look':
      return `(?${node.behind ? '<' : ''}${node.negative ? '!' : '='}${toJavaScript(node.item)})`;
  }
}

function group(node: RegexNode): string {
  return `(?:${toJavaScript(node)})`;
}

function quantifier({ min, max }: { min: number; max: number }): string {
  if (max === Infinity) return min === 0 ? '*' : min === 1 ? '+' : `{${min},}`;
  return min === 0 && max === 1 ? '?' : `{${min},${max}}`;
}

function setSource(set: CharSet): string {
  const ranges = set.ranges.map(([first, last]) => (first === last ? hex(first) : `${hex(first)}-${hex(last)}`));
  return `[${ranges.join('')}]`;
}

function hex(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}
