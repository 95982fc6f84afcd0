import type { CallArguments, Value } from './values.ts';

/** The interpreter's services for filters and tests. */
export interface Runtime {
  /** `value.name`. */
  attribute(value: Value, name: string): Value;
  /** `value[key]`. */
  item(value: Value, key: Value): Value;
  filter(name: string, value: Value, args: CallArguments): Value;
  test(name: string, value: Value, args: CallArguments): boolean;
}

export const NO_ARGUMENTS: CallArguments = { positional: [], keywords: new Map() };

export type Filter = (value: Value, args: CallArguments, runtime: Runtime) => Value;
export type Test = (value: Value, args: CallArguments, runtime: Runtime) => boolean;
