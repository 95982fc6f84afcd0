export type Direction = 'ltr' | 'rtl';

/** Letters, and the marks that count as one. */
const STRONG = /[\p{L}\u061c\u200e\u200f]/u;
/** Blocks of Unicode with scripts that are written from right to left, and the two marks for them. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

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
