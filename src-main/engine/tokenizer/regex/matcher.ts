import type { CharSet } from './char-set.ts';
import { compileRegex, INSTRUCTION, Op, type Program } from './program.ts';
import { outOfSteps, stepBudget } from './step-budget.ts';
import type { RegexNode } from './syntax.ts';

/** Marks a backtracking entry for a single position. */
const SINGLE = -1;

/**
 * A backtracking matcher that counts its steps, because a pattern from a file can make any such matcher extremely slow.
 * Finds the same matches as JavaScript.
 */
export class Matcher {
  private readonly program: Program;
  private readonly members: readonly Members[];
  private text = '';
  private left = 0;
  /**
   * Backtracking stack, three numbers per entry: instruction, position, and the last position of a run of entries or
   * `SINGLE`.
   */
  private stack = new Int32Array(3 * 64);
  private top = 0;
  private scanned = 0;
  private least = 0;

  /** @throws RegexError when the pattern is too large */
  constructor(node: RegexNode) {
    this.program = compileRegex(node);
    this.members = this.program.sets.map((set) => new Members(set));
  }

  /**
   * Calls `found` with every match, from left to right. It returns where to search next, UTF-16, or null for the next
   * character.
   * @throws EngineError BAD_REQUEST when it takes too long
   */
  search(text: string, found: (start: number, end: number) => number | null): void {
    const budget = stepBudget(text.length);
    this.text = text;
    this.left = budget.left;
    try {
      for (let at = 0; at <= text.length;) {
        this.top = 0;
        const end = this.run(0, at);
        const next = end === -1 ? null : found(at, end);
        at = next ?? at + unitsAt(text, at);
      }
    } finally {
      budget.left = this.left;
      this.text = '';
    }
  }

  /** @returns the end of the match that begins at a position, or -1 */
  private run(start: number, position: number): number {
    const { text, members } = this;
    const { code } = this.program;
    const base = this.top;
    let { left } = this;
    let pc = start;
    let at = position;
    for (;;) {
      if (--left < 0) {
        this.left = 0;
        throw outOfSteps(text.length);
      }
      let next = at;
      switch (code[pc]) {
        case Op.ACCEPT:
          this.top = base;
          this.left = left;
          return at;
        case Op.SET: {
          const set = members[code[pc + 1]];
          next = code[pc + 3] === 0 ? after(set, text, at) : before(set, text, at);
          pc += INSTRUCTION;
          break;
        }
        case Op.SCAN: {
          const min = code[pc + 2];
          next = this.scan(pc, at);
          left -= this.scanned;
          pc += 2 * INSTRUCTION;
          if (this.scanned < min) next = -1;
          else if (next !== this.least) this.push(pc, next, this.least);
          break;
        }
        case Op.SPLIT: {
          const first = code[pc + 3];
          if (first !== -1 && after(members[first], text, at) === -1) pc = code[pc + 2];
          else {
            this.push(code[pc + 2], at, SINGLE);
            pc = code[pc + 1];
          }
          break;
        }
        case Op.JUMP:
          pc = code[pc + 1];
          break;
        case Op.LOOK:
        case Op.ATOMIC: {
          this.left = left;
          const end = this.run(pc + INSTRUCTION, at);
          ({ left } = this);
          if (code[pc] === Op.ATOMIC) next = end;
          else if ((end !== -1) === (code[pc + 2] === 1)) next = -1;
          pc = code[pc + 1];
          break;
        }
      }
      if (next !== -1) {
        at = next;
        continue;
      }
      if (this.top === base) {
        this.left = left;
        return -1;
      }
      const { stack } = this;
      const entry = this.top - 3;
      pc = stack[entry];
      at = stack[entry + 1];
      const least = stack[entry + 2];
      if (least === SINGLE) this.top = entry;
      else {
        // One character less; backwards, that is one further on.
        at += least < at ? -unitsBefore(text, at) : unitsAt(text, at);
        stack[entry + 1] = at;
        if (at === least) this.top = entry;
      }
    }
  }

  /**
   * Matches as many characters as the SCAN at `pc` allows: sets `scanned`, and `least`, the position after the required
   * ones.
   */
  private scan(pc: number, position: number): number {
    const { text } = this;
    const { code } = this.program;
    const set = this.members[code[pc + 1]];
    const min = code[pc + 2];
    const step = code[pc + 3] === 0 ? after : before;
    const max = code[pc + INSTRUCTION + 1];
    let at = position;
    let count = 0;
    this.least = at;
    while (count !== max) {
      const next = step(set, text, at);
      if (next === -1) break;
      at = next;
      if (++count === min) this.least = at;
    }
    this.scanned = count;
    return at;
  }

  private push(pc: number, at: number, least: number): void {
    if (this.top + 3 > this.stack.length) {
      const larger = new Int32Array(2 * this.stack.length);
      larger.set(this.stack);
      this.stack = larger;
    }
    this.stack[this.top++] = pc;
    this.stack[this.top++] = at;
    this.stack[this.top++] = least;
  }
}

/** The position after the character at `at`, if that is in the set, else -1. */
function after(set: Members, text: string, at: number): number {
  if (at >= text.length) return -1;
  const unit = text.charCodeAt(at);
  if (unit < 0xd800 || unit > 0xdbff) return set.has(unit) ? at + 1 : -1;
  const codePoint = text.codePointAt(at)!;
  return set.has(codePoint) ? at + (codePoint > 0xffff ? 2 : 1) : -1;
}

/** The position of the character before `at`, if that is in the set, else -1. */
function before(set: Members, text: string, at: number): number {
  if (at <= 0) return -1;
  const from = at - unitsBefore(text, at);
  return set.has(text.codePointAt(from)!) ? from : -1;
}

function unitsAt(text: string, at: number): number {
  return (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
}

function unitsBefore(text: string, at: number): number {
  return at > 1 && text.codePointAt(at - 2)! > 0xffff ? 2 : 1;
}

/** A set with fast look-up: a bit for every code point of the basic plane up to its last one there. */
class Members {
  private readonly bits: Uint32Array;
  private readonly limit: number;
  private readonly astral: CharSet['ranges'];

  constructor(set: CharSet) {
    this.astral = set.ranges.filter(([, last]) => last > 0xffff);
    const lastInPlane = set.ranges.reduce((most, [first, last]) => (first > 0xffff ? most : Math.min(last, 0xffff)), 0);
    this.bits = new Uint32Array((lastInPlane >>> 5) + 1);
    this.limit = 32 * this.bits.length;
    for (const [first, last] of set.ranges) {
      for (let at = first; at <= Math.min(last, 0xffff); at++) this.bits[at >>> 5] |= 1 << (at & 31);
    }
  }

  has(codePoint: number): boolean {
    if (codePoint < this.limit) return ((this.bits[codePoint >>> 5] >>> (codePoint & 31)) & 1) === 1;
    return codePoint > 0xffff && this.hasAstral(codePoint);
  }

  private hasAstral(codePoint: number): boolean {
    let [low, high] = [0, this.astral.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.astral[middle][1] < codePoint) low = middle + 1;
      else high = middle;
    }
    return low < this.astral.length && this.astral[low][0] <= codePoint;
  }
}
