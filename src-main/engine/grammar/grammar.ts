import type { CodePointSet } from './code-point-set.ts';
import type { TokenName } from './expression.ts';

/** Kinds of positions of a compiled grammar. */
export const END = 0;
export const CHARACTERS = 1;
export const RULE = 2;
export const TOKEN = 3;
export const NOT_TOKEN = 4;

/**
 * A compiled grammar: the alternatives of all rules in two parallel arrays. A position is an index into them; every
 * alternative ends with `END`.
 */
export interface Grammar {
  /** `[positions]`: `END`, `CHARACTERS`, `RULE`, `TOKEN` or `NOT_TOKEN`. */
  readonly kinds: Uint8Array;
  /** `[positions]`: index into `sets`, `rules` or `tokens`. */
  readonly values: Int32Array;
  readonly sets: readonly CodePointSet[];
  readonly tokens: readonly TokenName[];
  /** The first rule is the root. */
  readonly rules: readonly CompiledRule[];
  /** The source that `at` refers to. */
  readonly source: string;
  /** Whether the source is a JSON schema. */
  readonly isSchema: boolean;
}

export interface CompiledRule {
  /** As in the source; for parts of a rule, the rule's name. */
  readonly name: string;
  /** Offset in the source. */
  readonly at: number;
  /** Whether the rule represents a repetition and has no name of its own. */
  readonly repetition: boolean;
  /** Start position of each alternative. */
  readonly alternatives: readonly number[];
}
