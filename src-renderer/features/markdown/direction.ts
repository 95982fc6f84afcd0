import { directionOfText, type Direction } from '../../ui/text-direction.ts';
import type { Block, Inline, ListItem, TableCell } from './tree.ts';

type Node = Block | Inline | ListItem | TableCell;

/**
 * The direction of formatted text: that of its first strong character, without code and formulas.
 * @returns undefined without such a character: the direction of what is around it
 */
export function directionOf(nodes: readonly Node[]): Direction | undefined {
  for (const node of nodes) {
    const direction = 'text' in node ? directionOfText(node.text) : directionOf(partsOf(node));
    if (direction !== undefined) return direction;
  }
  return undefined;
}

function partsOf(node: Node): readonly Node[] {
  if ('type' in node && (node.type === 'maths' || node.type === 'code')) return [];
  if ('children' in node) return node.children;
  if ('items' in node) return node.items;
  if ('head' in node) return [...node.head, ...node.rows.flat()];
  return 'pieces' in node ? node.pieces : [];
}
