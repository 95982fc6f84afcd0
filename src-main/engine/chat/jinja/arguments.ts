import { TemplateFault } from './fault.ts';
import type { Text } from './text.ts';
import { isText, typeName, type CallArguments, type Value } from './values.ts';

/**
 * Arguments in the order of the parameters' names, undefined for absent ones.
 * @throws TemplateFault for too many arguments, or an unknown name
 */
export function bind(
  what: string,
  names: readonly string[],
  { positional, keywords }: CallArguments,
  required = 0,
): (Value | undefined)[] {
  if (positional.length > names.length) {
    throw new TemplateFault(`${what}() takes at most ${names.length} arguments (${positional.length} given)`);
  }
  const bound: (Value | undefined)[] = names.map((_, i) => positional[i]);
  for (const [name, value] of keywords) {
    const index = names.indexOf(name);
    if (index === -1) throw new TemplateFault(`${what}() got an unexpected keyword argument '${name}'`);
    if (bound[index] !== undefined) throw new TemplateFault(`${what}() got multiple values for argument '${name}'`);
    bound[index] = value;
  }
  const missing = bound.findIndex((value, i) => value === undefined && i < required);
  if (missing !== -1) throw new TemplateFault(`${what}() missing required argument '${names[missing]}'`);
  return bound;
}

export function wholeNumber(what: string, value: Value | undefined, fallback: number): number {
  if (value === undefined || value === null) return fallback;
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  throw new TemplateFault(`${what} needs a whole number, not '${typeName(value)}'`);
}

export function textOf(what: string, value: Value | undefined): string {
  return textArgument(what, value).value;
}

export function textArgument(what: string, value: Value | undefined): Text {
  if (value !== undefined && isText(value)) return value;
  throw new TemplateFault(`${what} needs a string, not '${typeName(value ?? null)}'`);
}
