/** JSON's syntax as expressions of a grammar. */
import { CodePointSet, MAX_CODE_POINT } from '../code-point-set.ts';
import { characters, choice, optional, repeat, sequence, text, type Expression } from '../expression.ts';

export const DIGIT = CodePointSet.of([[0x30, 0x39]]);
const HEX = CodePointSet.from('0123456789abcdefABCDEF');
const SURROGATES = CodePointSet.of([[0xd800, 0xdfff]]);
/** Characters that need no escape in a JSON string. */
export const PLAIN = CodePointSet.of([[0x20, MAX_CODE_POINT]]).minus(CodePointSet.from('"\\\x7f').union(SURROGATES));
const SHORT_ESCAPES: readonly (readonly [character: number, escape: string])[] = [
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [0x08, '\\b'],
  [0x0c, '\\f'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x09, '\\t'],
];

/** Maximum indentation, so that a model cannot generate white space forever. */
const MAX_INDENT = 20;

/** White space between the parts of JSON: none, one space, or a line end with indentation. */
export function space(): Expression {
  const indent = repeat(characters(CodePointSet.from(' \t')), 0, MAX_INDENT, 0);
  return choice({ kind: 'sequence', items: [] }, text(' '), sequence(text('\n'), indent));
}

/** One character of a JSON string, possibly escaped. */
export function anyStringCharacter(): Expression {
  const hex = characters(HEX);
  // \uD800 to \uDFFF are surrogates.
  const unicode = choice(
    sequence(characters(HEX.minus(CodePointSet.from('dD'))), hex, hex, hex),
    sequence(characters(CodePointSet.from('dD')), characters(CodePointSet.from('01234567')), hex, hex),
  );
  const escaped = choice(characters(CodePointSet.from('"\\/bfnrt')), sequence(text('u'), unicode));
  return choice(characters(PLAIN), sequence(text('\\'), escaped));
}

/** One character of `set` inside a JSON string, escaped if necessary; null if none can be written. */
export function stringCharacter(set: CodePointSet): Expression | null {
  const options: Expression[] = [];
  const plain = set.intersection(PLAIN);
  if (!plain.isEmpty) options.push(characters(plain));
  const short = new Map(SHORT_ESCAPES);
  for (let codePoint = 0; codePoint < 0x80; codePoint++) {
    if (!set.has(codePoint) || PLAIN.has(codePoint)) continue;
    options.push(text(short.get(codePoint) ?? `\\u${codePoint.toString(16).padStart(4, '0')}`));
  }
  return options.length === 0 ? null : choice(...options);
}

export function digits(min: number, max: number): Expression {
  return repeat(characters(DIGIT), min, max, 0);
}

/** Any number within common JSON limits: at most 15 digits before and after the point, exponents to 99. */
export function anyNumber(): Expression {
  const fraction = sequence(text('.'), digits(1, 15));
  const exponent = sequence(
    characters(CodePointSet.from('eE')),
    optional(characters(CodePointSet.from('+-'))),
    digits(1, 2),
  );
  return sequence(optional(text('-')), wholeDigits(), optional(fraction), optional(exponent));
}

/** 0, or up to 15 digits that do not begin with 0. */
export function wholeDigits(): Expression {
  return choice(text('0'), sequence(characters(CodePointSet.from('123456789')), digits(0, 14)));
}
