/** Careful access to a parsed file from elsewhere: everything may be missing or of another type. */
import { isRecord } from '../../../../src-main/protocol/is-record.ts';

/** A field of an object; undefined if there is none. Inherited ones do not count. */
export function field(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

export function textField(value: unknown, name: string): string {
  const found = field(value, name);
  return typeof found === 'string' ? found : '';
}

export function numberField(value: unknown, name: string): number | null {
  const found = field(value, name);
  return typeof found === 'number' ? found : null;
}

export function listField(value: unknown, name: string): readonly unknown[] {
  const found = field(value, name);
  return Array.isArray(found) ? found : [];
}

/** Own entries of an object field. */
export function entriesOf(value: unknown, name: string): [string, unknown][] {
  const found = field(value, name);
  return isRecord(found) ? Object.entries(found) : [];
}
