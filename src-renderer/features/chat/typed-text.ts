/** Texts that are typed and shown in a field of one line: stop strings, banned texts and so on. */

/** The text that `typed` stands for: `\n` and `\t` for what cannot be typed there, `\\` for a backslash. */
export function readTyped(typed: string): string {
  return typed.replace(/\\([nt\\])/g, (_, escape: string) => ({ n: '\n', t: '\t' })[escape] ?? '\\');
}

/** The text on one line, with signs for line breaks and tabs. */
export function showTyped(text: string): string {
  return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}
