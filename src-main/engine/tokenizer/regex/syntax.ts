import type { CharSet } from './char-set.ts';

/** A parsed regular expression. */
export type RegexNode =
  /** One code point out of a set. */
  | { type: 'set'; set: CharSet }
  | { type: 'sequence'; items: RegexNode[] }
  | { type: 'alternation'; options: RegexNode[] }
  /** `max` is Infinity for `*` and `+`. */
  | { type: 'repeat'; item: RegexNode; min: number; max: number; lazy: boolean }
  /** Never tried again in another way once it has matched. */
  | { type: 'atomic'; item: RegexNode }
  | { type: 'look'; behind: boolean; negative: boolean; item: RegexNode };

/** A pattern that cannot be used; `unsupported` when it is valid but uses what this engine does not know. */
export class RegexError extends Error {
  constructor(
    message: string,
    readonly unsupported: boolean,
  ) {
    super(message);
  }
}
