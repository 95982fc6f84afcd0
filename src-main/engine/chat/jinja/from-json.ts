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

/** A message of a chat. The origin of the text is marked in `content`. */
export function messageValue(role: string, content: Text, message: number): Dict {
  const entries: [string, Value][] = [
    ['role', new Text(role)],
    ['content', content],
  ];
  return new Dict(new Map(entries.map(([key, value]) => [`s${key}`, { key: new Text(key), value }])), message);
}
