import { type CharSet } from './char-set.ts';
import type { RegexNode } from './syntax.ts';

/**
 * Converts the expression to JavaScript, flag `u`. Every set is written out as code points, so that it does not depend on
 * JavaScript's ASCII `\w` or the host's Unicode version.
 */
export function toJavaScript(node: RegexNode): string {
  return new Translator().source(node);
}

class Translator {
  /** Number of capturing groups so far; only atomic groups need them. */
  private captures = 0;

  source(node: RegexNode): string {
    switch (node.type) {
      case 'set':
        return setSource(node.set);
      case 'sequence':
        return node.items.map((item) => (item.type === 'alternation' ? this.group(item) : this.source(item))).join('');
      case 'alternation':
        return node.options.map((option) => this.source(option)).join('|');
      case 'repeat': {
        if (node.item.type === 'set') return this.source(node.item) + quantifier(node) + (node.lazy ? '?' : '');
        // JavaScript's `?` refuses an item that matches nothing and tries others, unlike Oniguruma and PCRE.
        if (node.min === 0 && node.max === 1) {
          const item = this.source(node.item);
          return node.lazy ? `(?:|${item})` : `(?:${item}|)`;
        }
        return this.group(node.item) + quantifier(node) + (node.lazy ? '?' : '');
      }
      case 'atomic': {
        // A look-ahead is never backtracked into, and the reference matches exactly what it captured.
        const capture = ++this.captures;
        return `(?=(${this.source(node.item)}))\\${capture}(?:)`;
      }
      case 'look':
        return `(?${node.behind ? '<' : ''}${node.negative ? '!' : '='}${this.source(node.item)})`;
    }
  }

  private group(node: RegexNode): string {
    return `(?:${this.source(node)})`;
  }
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
