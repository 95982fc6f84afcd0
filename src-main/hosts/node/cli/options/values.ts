import { InvalidArgumentError } from 'commander';

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const MAX_ID = 2 ** 31 - 1;

/** @throws InvalidArgumentError for anything but a finite number, including `NaN` and `Infinity` */
export function parseNumber(text: string): number {
  const value = NUMBER.test(text.trim()) ? Number(text) : NaN;
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

export function parseInteger(text: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError('Expected a whole number.');
  return value;
}

export function parseCount(text: string): number {
  const value = parseInteger(text);
  if (value < 0) throw new InvalidArgumentError('Expected a whole number of at least 0.');
  return value;
}

export function parseSeconds(text: string): number {
  const value = parseNumber(text);
  if (value < 0) throw new InvalidArgumentError('Expected a number of seconds of at least 0.');
  return value;
}

/** Parses `5,17,42`, also with spaces. */
export function parseIds(text: string): number[] {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  const ids = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : NaN));
  if (ids.length === 0 || !ids.every((id) => id <= MAX_ID)) {
    throw new InvalidArgumentError('Expected token ids: whole numbers separated by commas.');
  }
  return ids;
}

/** Replaces the escapes `\n`, `\t`, `\r` and `\\`, as these are hard to type in a shell. */
export function parseEscapes(text: string): string {
  const meant: Record<string, string> = { n: '\n', t: '\t', r: '\r', '\\': '\\' };
  return text.replace(/\\([ntr\\])/g, (_, letter: string) => meant[letter] ?? letter);
}

/** Collects the values of a repeatable option. */
export function collect<T>(parse: (text: string) => T) {
  return (text: string, previous: T[] | undefined): T[] => [...(previous ?? []), parse(text)];
}

/** Parses `ID=BIAS`. */
export function parseLogitBias(text: string): [number, number] {
  const [id, bias, ...rest] = text.split('=');
  if (id === undefined || bias === undefined || rest.length > 0 || !/^\d+$/.test(id)) {
    throw new InvalidArgumentError('Expected ID=BIAS, for example 42=-5.');
  }
  return [parseCount(id), parseNumber(bias)];
}

/** Parses `TEXT=BIAS`; the text may contain equals signs. */
export function parseTextBias(written: string): [string, number] {
  const at = written.lastIndexOf('=');
  if (at < 1) throw new InvalidArgumentError("Expected TEXT=BIAS, for example 'cat=+2'.");
  return [written.slice(0, at), parseNumber(written.slice(at + 1))];
}
