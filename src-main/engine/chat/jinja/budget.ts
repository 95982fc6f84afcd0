import { LimitFault } from './fault.ts';

export interface Limits {
  /** Evaluated nodes and visited values in total. */
  readonly steps: number;
  /** UTF-16 units of all texts created or scanned. */
  readonly characters: number;
  /** Nesting depth of evaluations, including recursive macros. */
  readonly depth: number;
}

/** A template's remaining budget. Counted instead of timed, so that rendering is deterministic. */
class Budget {
  steps = 0;
  characters = 0;
  depth = 0;

  constructor(readonly limits: Limits) {}
}

/**
 * The budget of the current render; null outside of one, where nothing is counted. Texts, lists and dicts charge it when
 * they are created and read, so filters, methods, tests and operators need not.
 */
let current: Budget | null = null;

/** Runs `work`, which must be synchronous, within its own limits. @throws LimitFault from anything that spends */
export function withinLimits<T>(limits: Limits, work: () => T): T {
  const around = current;
  current = new Budget(limits);
  try {
    return work();
  } finally {
    current = around;
  }
}

/** @throws LimitFault */
export function spendSteps(count = 1): void {
  if (current === null) return;
  current.steps += count;
  if (current.steps > current.limits.steps) {
    throw new LimitFault(`it takes more than ${current.limits.steps} steps; a loop may never end`);
  }
}

/**
 * Texts and lists charge for themselves. To be called first by anything whose result can exceed its inputs.
 * @throws LimitFault
 */
export function spendCharacters(length: number): void {
  if (current === null) return;
  current.characters += length;
  if (current.characters > current.limits.characters) {
    throw new LimitFault(`it produces more than ${current.limits.characters} characters of text`);
  }
}

/** Runs `walk` one level deeper. @throws LimitFault */
export function deeper<T>(walk: () => T): T {
  if (current === null) return walk();
  const budget = current;
  if (++budget.depth > budget.limits.depth) {
    throw new LimitFault(
      `it nests more than ${budget.limits.depth} evaluations; a macro may be calling itself forever`,
    );
  }
  const result = walk();
  budget.depth--;
  return result;
}

/**
 * Limits of a template by the size of the chat. Real templates take about a hundred steps per message and write each
 * message a few times; these limits are far above that, and are reached well within a second.
 */
export function templateLimits(characters: number, messages: number): Limits {
  return { steps: 500_000 + 2000 * messages, characters: 16 * 2 ** 20 + 32 * characters, depth: 300 };
}
