import { Text } from './text.ts';
import { Dict, Float, List, type Value } from './values.ts';

/** Converts plain data to a template's value; numbers with a fraction become floats. */
export function fromJson(json: unknown): Value {
  if (json === null || typeof json === 'boolean') return json;
  if (typeof json === 'number') return Number.isInteger(json) ? json : new Float(json);
  if (typeof json === 'string') return new Text(json);
  if (Array.isArray(json)) return new List(json.map(fromJson));
  if (typeof json !== 'object') throw new TypeError(`A template cannot receive a ${typeof json}.`);
  const entries = Object.entries(json).map(
    ([key, value]) => [`s${key}`, { key: new Text(key), value: fromJson(value) }] as const,
  );
  return new Dict(new Map(entries));
}

/** How messages are given to a template: as texts, or as lists of parts, of which a text is one. */
export type ContentKind = 'text' | 'parts';

/** A message of a chat. The origin of the text is marked in `content`. */
export function messageValue(role: string, content: Text, message: number, kind: ContentKind = 'text'): Dict {
  const parts = () => new List([dictWith({ type: new Text('text'), text: content })]);
  return dictWith({ role: new Text(role), content: kind === 'text' ? content : parts() }, message);
}

function dictWith(values: Readonly<Record<string, Value>>, message: number | null = null): Dict {
  const entries = Object.entries(values).map(([key, value]) => [`s${key}`, { key: new Text(key), value }] as const);
  return new Dict(new Map(entries), message);
}
