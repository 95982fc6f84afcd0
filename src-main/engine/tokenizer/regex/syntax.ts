import type { CharSet } from './char-set.ts';

/** A parsed regular expression. */
export type RegexNode =
  /** One code point of a set. */
  | { type: 'set'; set: CharSet }
  | { type: 'sequence'; items: RegexNode[] }
  | { type: 'alternation'; options: RegexNode[] }
  /** `max` is Infinity for `*` and `+`. */
  | { type: 'repeat'; item: RegexNode; min: number; max: number; lazy: boolean }
  /** Never backtracked into after it has matched. */
  | { type: 'atomic'; item: RegexNode }
  | { type: 'look'; behind: boolean; negative: boolean; item: RegexNode };

/** A pattern that cannot be used; `unsupported` when it is valid but uses an unsupported feature. */
export class RegexError extends Error {
  constructor(
    message: string,
    readonly unsupported: boolean,
  ) {
    super(message);
  }
}
