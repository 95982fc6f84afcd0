import { TemplateFault } from './fault.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g;

/** Decodes a string literal with Python's escapes; unknown ones are left unchanged. */
export function unescapeString(literal: string, at: number): string {
  return literal.replaceAll(
    ESCAPE,
    (all: string, x?: string, u?: string, wide?: string, octal?: string, simple?: string) => {
      if (simple === 'x' || simple === 'u' || simple === 'U') {
        throw new TemplateFault(`the escape ${JSON.stringify(all)} is incomplete`, at);
      }
      if (simple !== undefined) return Object.hasOwn(SIMPLE, simple) ? SIMPLE[simple] : all;
      const code = octal === undefined ? parseInt(x ?? u ?? wide ?? '', 16) : parseInt(octal, 8);
      if (code > 0x10ffff) throw new TemplateFault(`there is no character ${all}`, at);
      return String.fromCodePoint(code);
    },
  );
}
