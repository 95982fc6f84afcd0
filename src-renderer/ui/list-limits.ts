import { formatInteger } from './format.ts';

/** How many texts a list may hold, and how long each may be, in UTF-16 units. */
export interface ListLimits {
  maxCount: number;
  maxLength: number;
}

/** Why a text cannot be added to a list of `count` texts, and what to do; null when it can. */
export function addProblem(text: string, count: number, { maxCount, maxLength }: ListLimits): string | null {
  if (count >= maxCount) return `The list is full: ${formatInteger(maxCount)} entries. Remove one first.`;
  if (text.length <= maxLength) return null;
  return `Too long: ${formatInteger(text.length)} characters. The limit is ${formatInteger(maxLength)}.`;
}
