/** Makes invisible and combining characters visible. */

export interface VisiblePart {
  text: string;
  /** Name of the character that `text` represents; null if it is the text itself. */
  name: string | null;
}

const NAMED: ReadonlyMap<number, readonly [sign: string, name: string]> = new Map([
  [0x00, ['NUL', 'null']],
  [0x09, ['⇥', 'tab']],
  [0x0a, ['⏎', 'line feed']],
  [0x0b, ['VT', 'vertical tab']],
  [0x0c, ['FF', 'form feed']],
  [0x0d, ['␍', 'carriage return']],
  [0x1b, ['ESC', 'escape']],
  [0x20, ['·', 'space']],
  [0x7f, ['DEL', 'delete']],
  [0x85, ['NEL', 'next line']],
  [0xa0, ['NBSP', 'no-break space']],
  [0xad, ['SHY', 'soft hyphen']],
  [0x034f, ['CGJ', 'combining grapheme joiner']],
  [0x061c, ['ALM', 'Arabic letter mark']],
  [0x180e, ['MVS', 'Mongolian vowel separator']],
  [0x200b, ['ZWSP', 'zero width space']],
  [0x200c, ['ZWNJ', 'zero width non-joiner']],
  [0x200d, ['ZWJ', 'zero width joiner']],
  [0x200e, ['LRM', 'left-to-right mark']],
  [0x200f, ['RLM', 'right-to-left mark']],
  [0x2028, ['LS', 'line separator']],
  [0x2029, ['PS', 'paragraph separator']],
  [0x202f, ['NNBSP', 'narrow no-break space']],
  [0x2060, ['WJ', 'word joiner']],
  [0x3000, ['IDSP', 'ideographic space']],
  [0xfe0e, ['VS15', 'variation selector 15, as text']],
  [0xfe0f, ['VS16', 'variation selector 16, as emoji']],
  [0xfeff, ['BOM', 'zero width no-break space, byte order mark']],
  [0xfffd, ['�', 'replacement character']],
]);

/** Combining marks, whose base character may be in another token. */
const MARK = /^\p{M}$/u;
/** Characters without a glyph: controls, formats, other spaces, unassigned and private ones. */
const UNSEEN = /^[\p{C}\p{Z}]$/u;

/** Splits a text into visible parts and named signs for the rest. */
export function visibleParts(text: string): VisiblePart[] {
  const parts: VisiblePart[] = [];
  let isFirst = true;
  for (const character of text) {
    const named = signOf(character, isFirst);
    const last = parts.at(-1);
    if (named !== null) parts.push({ text: named[0], name: named[1] });
    else if (last?.name === null) last.text += character;
    else parts.push({ text: character, name: null });
    isFirst = false;
  }
  return parts;
}

/** On one line, with names, for screen readers. */
export function visibleText(text: string): string {
  return visibleParts(text)
    .map((part) => part.text)
    .join('');
}

function signOf(character: string, isFirst: boolean): readonly [string, string] | null {
  const code = character.codePointAt(0) ?? 0;
  const named = NAMED.get(code);
  if (named !== undefined) return named;
  // A mark after its base character is already visible.
  if (MARK.test(character)) return isFirst ? [`◌${character}`, `combining mark ${codePoint(code)}`] : null;
  return UNSEEN.test(character) ? [codePoint(code), `invisible character ${codePoint(code)}`] : null;
}

/** 0x1f600 is `U+1F600`. */
export function codePoint(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
