/** East Asian wide characters and emoji, approximately. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Characters without a width, such as combining marks. */
const NONE = /[\p{M}\u200b-\u200f]/u;

/** Width of a single-line text in terminal columns, approximately. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** A single-line text of at most `most` terminal columns, at least 1: the last one is an ellipsis if there was more. */
export function fitToWidth(text: string, most: number): string {
  if (displayWidth(text) <= most) return text;
  let shown = '';
  let width = 1;
  for (const character of text) {
    width += displayWidth(character);
    if (width > most) break;
    shown += character;
  }
  return `${shown}…`;
}
