/** Cutting texts without dividing characters. */

/** The first `length` UTF-16 units of a text, or one less: characters of two units are not divided. */
export function cutText(text: string, length: number): string {
  return text.slice(0, isWithinPair(text, length) ? length - 1 : length);
}

/** The last `length` UTF-16 units of a text, or one less. */
export function endOfText(text: string, length: number): string {
  const from = Math.max(0, text.length - length);
  return text.slice(isWithinPair(text, from) ? from + 1 : from);
}

/** The first `count` characters (code points) of a text. */
export function firstCharacters(text: string, count: number): string {
  let end = 0;
  for (let left = count; left > 0 && end < text.length; left--) end += isWithinPair(text, end + 1) ? 2 : 1;
  return text.slice(0, end);
}

/** A text of at most `most` characters (code points): the last one is an ellipsis if there were more. */
export function shortened(text: string, most: number): string {
  return firstCharacters(text, most) === text ? text : `${firstCharacters(text, most - 1)}…`;
}

/** Whether `at` is between the two units of a character. */
function isWithinPair(text: string, at: number): boolean {
  return isBetween(text.charCodeAt(at - 1), 0xd800, 0xdbff) && isBetween(text.charCodeAt(at), 0xdc00, 0xdfff);
}

function isBetween(unit: number, first: number, last: number): boolean {
  return unit >= first && unit <= last;
}
