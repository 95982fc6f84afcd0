import { EngineError } from '../../api/errors.ts';

/**
 * Step limit per text: ten times what tokenizer patterns need (about six steps a character), and well under a second for
 * a prompt.
 */
const STEPS = 2 ** 22;
const STEPS_PER_CHARACTER = 64;

interface Budget {
  left: number;
}

/** Budget of the text that is being encoded or decoded; null outside of that, where every search has its own. */
let current: Budget | null = null;

/**
 * Runs `work`, which must be synchronous, with one budget for all its searches: splitting a text of `length` UTF-16 units
 * into many does not increase its budget.
 */
export function withinSteps<T>(length: number, work: () => T): T {
  if (current !== null) return work();
  current = budgetFor(length);
  try {
    return work();
  } finally {
    current = null;
  }
}

/** The budget to charge for a search in a text of `length` UTF-16 units. */
export function stepBudget(length: number): Budget {
  return current ?? budgetFor(length);
}

function budgetFor(length: number): Budget {
  return { left: STEPS + STEPS_PER_CHARACTER * length };
}

export function outOfSteps(length: number): EngineError {
  return new EngineError(
    'BAD_REQUEST',
    "The text cannot be split into tokens: a pattern of the model's tokenizer takes too long. Shorten the text, or choose another model.",
    { length },
  );
}
