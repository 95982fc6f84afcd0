/**
 * The key as a Latin layout names it, letters in lower case. With a Cyrillic, Greek, Hebrew or Arabic layout, `key` is a
 * letter of that alphabet, which no shortcut has; `code` still says which key it is.
 */
export function latinKey({ key, code }: Pick<KeyboardEvent, 'key' | 'code'>): string {
  if (key.length > 1) return key;
  const own = key.toLowerCase();
  if (key <= '~') return own;
  // Some Latin layouts have letters with accents on these keys.
  const digit = /^Digit(\d)$/u.exec(code)?.[1];
  if (digit !== undefined) return digit;
  if (/\p{Script=Latin}/u.test(key)) return own;
  return code === 'Comma' ? ',' : (/^Key([A-Z])$/u.exec(code)?.[1]?.toLowerCase() ?? own);
}
