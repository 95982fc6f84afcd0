import { CharSet } from './char-set.ts';
import { RegexError, type RegexNode } from './syntax.ts';

/** The matcher's instructions: four numbers each, the operation and its operands `a`, `b`, `c`. */
export const Op = {
  /** Ends a successful match. */
  ACCEPT: 0,
  /** Matches one character of set `a`; `c`: backwards. */
  SET: 1,
  /**
   * Matches as many characters of set `a` as possible, from `b` to the next instruction's `a` (-1: any); `c`: backwards.
   */
  SCAN: 2,
  /** The second part of a SCAN. */
  MAX: 3,
  /**
   * Continues at `a`, and at `b` if that fails. With a set `c` (-1: none), continues at `b` at once unless the next
   * character is in it.
   */
  SPLIT: 4,
  JUMP: 5,
  /**
   * Look-around: tries what follows, which ends with ACCEPT, without consuming it, then continues at `a`; `b`: must not
   * match.
   */
  LOOK: 6,
  /** Atomic group: matches what follows, which ends with ACCEPT, in the first way that fits, then continues at `a`. */
  ATOMIC: 7,
} as const;

export const INSTRUCTION = 4;

/** Maximum instructions of one pattern, with counted repeats expanded. */
const MAX_INSTRUCTIONS = 20_000;

export interface Program {
  readonly code: Int32Array;
  readonly sets: readonly CharSet[];
}

/** @throws RegexError when the pattern is too large */
export function compileRegex(node: RegexNode): Program {
  return new Compiler().compile(node);
}

class Compiler {
  private readonly code: number[] = [];
  private readonly sets: CharSet[] = [];
  private readonly setIndex = new Map<string, number>();
  /** Matching backwards, inside a look-behind. */
  private backwards = false;

  compile(node: RegexNode): Program {
    this.node(node);
    this.emit(Op.ACCEPT);
    return { code: Int32Array.from(this.code), sets: this.sets };
  }

  private node(node: RegexNode): void {
    switch (node.type) {
      case 'set':
        this.emit(Op.SET, this.set(node.set), 0, Number(this.backwards));
        return;
      case 'sequence':
        return (this.backwards ? node.items.toReversed() : node.items).forEach((item) => this.node(item));
      case 'alternation':
        return this.alternation(node.options);
      case 'repeat':
        return this.repeat(node);
      case 'atomic':
        return this.inner(Op.ATOMIC, 0, this.backwards, node.item);
      case 'look':
        return this.inner(Op.LOOK, Number(node.negative), node.behind, node.item);
    }
  }

  private inner(op: number, negative: number, backwards: boolean, item: RegexNode): void {
    const at = this.emit(op, 0, negative);
    const around = this.backwards;
    this.backwards = backwards;
    this.node(item);
    this.backwards = around;
    this.emit(Op.ACCEPT);
    this.code[at + 1] = this.code.length;
  }

  private alternation(options: readonly RegexNode[]): void {
    const jumps: number[] = [];
    for (const [i, option] of options.entries()) {
      const split = i < options.length - 1 ? this.split(option) : null;
      this.node(option);
      if (split === null) break;
      jumps.push(this.emit(Op.JUMP));
      this.code[split + 2] = this.code.length;
    }
    for (const jump of jumps) this.code[jump + 1] = this.code.length;
  }

  /** Expands `x{2,4}` to `xx(x(x)?)?`, `x{2,}` to `xxx*`. */
  private repeat({ item, min, max, lazy }: RegexNode & { type: 'repeat' }): void {
    if (item.type === 'set' && !lazy) {
      this.emit(Op.SCAN, this.set(item.set), min, Number(this.backwards));
      this.emit(Op.MAX, max === Infinity ? -1 : max);
      return;
    }
    for (let i = 0; i < min; i++) this.node(item);
    if (max === Infinity) {
      const split = this.optional(item, lazy);
      this.emit(Op.JUMP, split);
      this.leave(split, lazy);
      return;
    }
    const splits: number[] = [];
    for (let i = min; i < max; i++) splits.push(this.optional(item, lazy));
    for (const split of splits) this.leave(split, lazy);
  }

  /** The item, or a jump past it that `leave` completes. @returns the instruction of the choice */
  private optional(item: RegexNode, lazy: boolean): number {
    const split = lazy ? this.emit(Op.SPLIT, 0, this.code.length + INSTRUCTION, -1) : this.split(item);
    this.node(item);
    return split;
  }

  private leave(split: number, lazy: boolean): void {
    this.code[split + (lazy ? 1 : 2)] = this.code.length;
  }

  /** Emits a SPLIT to the next instruction, which is `first`; its second target is set later. */
  private split(first: RegexNode): number {
    const begins = this.backwards ? null : firstCharacters(first);
    return this.emit(Op.SPLIT, this.code.length + INSTRUCTION, 0, begins === null ? -1 : this.set(begins));
  }

  private set(set: CharSet): number {
    const key = set.ranges.join(' ');
    const known = this.setIndex.get(key);
    if (known !== undefined) return known;
    this.setIndex.set(key, this.sets.length);
    return this.sets.push(set) - 1;
  }

  private emit(op: number, a = 0, b = 0, c = 0): number {
    if (this.code.length >= MAX_INSTRUCTIONS * INSTRUCTION)
      throw new RegexError('a pattern this large is not supported', true);
    return this.code.push(op, a, b, c) - INSTRUCTION;
  }
}

/** Characters one of which must begin a match; null when it may be empty, or is unknown. */
function firstCharacters(node: RegexNode): CharSet | null {
  switch (node.type) {
    case 'set':
      return node.set;
    case 'look':
      return null;
    case 'atomic':
      return firstCharacters(node.item);
    case 'repeat':
      return node.min > 0 ? firstCharacters(node.item) : null;
    case 'alternation': {
      const sets = node.options.map(firstCharacters);
      return sets.every((set) => set !== null) ? CharSet.union(sets) : null;
    }
    case 'sequence': {
      const sets: CharSet[] = [];
      for (const item of node.items) {
        // A look-around consumes nothing.
        if (item.type === 'look') continue;
        const optional = item.type === 'repeat' && item.min === 0 && item.item.type === 'set' ? item.item.set : null;
        const set = optional ?? firstCharacters(item);
        if (set === null) return null;
        sets.push(set);
        if (optional === null) return CharSet.union(sets);
      }
      return null;
    }
  }
}
