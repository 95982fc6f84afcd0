import { wholeNumber } from './arguments.ts';
import { TemplateFault } from './fault.ts';
import { repr, show, showFloat } from './show.ts';
import { joinTexts, repeatText, Text } from './text.ts';
import { asNumber, Dict, isText, typeName, type CallArguments, type Value } from './values.ts';

// An unclosed key extends to the end, which prevents repeated searches for its end.
const PERCENT = /%(?:\(([^)]*)(\)|$))?([-+ 0#]*)(\d*)(?:\.(\d+))?([\s\S]?)/g;

/** Python's `text % values`. */
export function formatPercent(template: Text, values: readonly Value[]): Text {
  const parts: Text[] = [];
  let next = 0;
  let from = 0;
  for (const match of template.matches(PERCENT)) {
    const [all, name, closed, flags, width, precision, type] = match;
    if (closed === '') throw new TemplateFault('incomplete format key');
    parts.push(template.cut(from, match.index));
    from = match.index + all.length;
    if (type === '%') {
      parts.push(new Text('%'));
      continue;
    }
    const value = name === undefined ? values[next++] : values[0] instanceof Dict ? values[0].text(name) : undefined;
    if (value === undefined) throw new TemplateFault('not enough arguments for format string');
    const shown = formatOne(value, type, precision === undefined ? null : Number(precision));
    parts.push(pad(shown, Number(width), flags.includes('-') ? '<' : '>', flags.includes('0') ? '0' : ' '));
  }
  parts.push(template.cut(from));
  if (next < values.length && !(values.length === 1 && values[0] instanceof Dict)) {
    throw new TemplateFault('not all arguments converted during string formatting');
  }
  return joinTexts(parts);
}

function formatOne(value: Value, type: string, precision: number | null): Text {
  if (type === 's' || type === 'r') {
    const shown = type === 's' ? show(value) : repr(value);
    return precision === null ? shown : shown.cut(0, precision);
  }
  const number = asNumber(value);
  if (number === null) throw new TemplateFault(`%${type} format: a real number is required, not ${typeName(value)}`);
  switch (type) {
    case 'd':
    case 'i':
      return new Text(String(Math.trunc(number)));
    case 'f':
    case 'F':
      return new Text(number.toFixed(Math.min(precision ?? 6, 100)));
    case 'x':
      return new Text(Math.trunc(number).toString(16));
    case 'X':
      return new Text(Math.trunc(number).toString(16).toUpperCase());
    default:
      throw new TemplateFault(`unsupported format character ${JSON.stringify(type)}`);
  }
}

const FIELD = /\{\{|\}\}|\{([^{}:!]*)(?:![rs])?(?::([^{}]*))?\}/g;
const SPEC = /^(?:(.)?([<>^]))?(0?)(\d*)(,?)(?:\.(\d+))?([sdfx%]?)$/u;

/** Python's `text.format(…)`, without attributes and items of the values. */
export function formatBraces(template: Text, { positional, keywords }: CallArguments): Text {
  const parts: Text[] = [];
  let next = 0;
  let from = 0;
  for (const match of template.matches(FIELD)) {
    const [all, name = '', spec = ''] = match;
    parts.push(template.cut(from, match.index));
    from = match.index + all.length;
    if (all === '{{' || all === '}}') {
      parts.push(new Text(all[0]));
      continue;
    }
    const value = name === '' ? positional[next++] : /^\d+$/.test(name) ? positional[Number(name)] : keywords.get(name);
    if (value === undefined) throw new TemplateFault(`format() has no value for ${JSON.stringify(all)}`);
    parts.push(formatField(value, spec));
  }
  parts.push(template.cut(from));
  return joinTexts(parts);
}

function formatField(value: Value, spec: string): Text {
  const match = SPEC.exec(spec);
  if (!match) throw new TemplateFault(`the format ${JSON.stringify(spec)} is not known`);
  const [, fill, align, zero, width, comma, precision, type] = match;
  const number = asNumber(value);
  let shown = show(value);
  if (number !== null && typeof value !== 'boolean') {
    const digits = precision === undefined ? null : Math.min(Number(precision), 100);
    if (type === '%') shown = new Text(`${(number * 100).toFixed(digits ?? 6)}%`);
    else if (type === 'f') shown = new Text(number.toFixed(digits ?? 6));
    else if (type === 'x') shown = new Text(number.toString(16));
    else if (digits !== null) shown = new Text(showFloat(Number(number.toPrecision(Math.max(1, digits)))));
    if (comma !== '')
      shown = new Text(shown.value.replace(/^-?\d+/, (part) => part.replaceAll(/\B(?=(\d{3})+$)/g, ',')));
  } else if (precision !== undefined) shown = shown.cut(0, Number(precision));
  const side = align ?? (number === null ? '<' : '>');
  return pad(shown, Number(width), side as '<' | '>' | '^', fill ?? (zero || ' '));
}

/** Pads to `width` code points; `side` is the alignment of the text. */
export function pad(text: Text, width: number, side: '<' | '>' | '^', fill: string): Text {
  const missing = width - text.length;
  if (!(missing > 0)) return text;
  const before = side === '<' ? 0 : side === '>' ? missing : Math.floor(missing / 2);
  // A sign stays in front of zeros.
  const sign = fill === '0' && side === '>' && /^[-+]/.test(text.value) ? 1 : 0;
  const unit = new Text(fill);
  return joinTexts([text.cut(0, sign), repeatText(unit, before), text.cut(sign), repeatText(unit, missing - before)]);
}

const LINE_ENDS = '\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029';

/** The lines of a text, each with its end when `keepEnds`. */
export function splitLines(text: Text, keepEnds: boolean): Text[] {
  const lines: Text[] = [];
  let from = 0;
  for (const match of text.matches(/\r\n|[\p{Cc}\u2028\u2029]/gu)) {
    if (match[0].length === 1 && !LINE_ENDS.includes(match[0])) continue;
    const end = match.index + match[0].length;
    lines.push(text.cut(from, keepEnds ? end : match.index));
    from = end;
  }
  if (from < text.size) lines.push(text.cut(from));
  return lines;
}

/** The argument of `indent`: a number of spaces or the text itself. */
export function indentation(value: Value | undefined, fallback: number): string {
  if (value !== undefined && isText(value)) return value.value;
  const width = Math.max(0, wholeNumber('indent', value, fallback));
  return repeatText(new Text(' '), width).value;
}
