import { RIGHT_TO_LEFT } from '../lib/right-to-left.ts';

export type Direction = 'ltr' | 'rtl';

/** Letters, and the marks that count as one. */
const STRONG = /[\p{L}\u061c\u200e\u200f]/u;

/**
 * The direction of a text by its first strong character, as `dir="auto"` finds it, which makes browsers search again at
 * every node that is inserted.
 * @returns undefined without such a character: the direction of what is around it
 */
export function directionOfText(text: string): Direction | undefined {
  const strong = STRONG.exec(text)?.[0];
  if (strong === undefined) return undefined;
  return RIGHT_TO_LEFT.test(strong) ? 'rtl' : 'ltr';
}
