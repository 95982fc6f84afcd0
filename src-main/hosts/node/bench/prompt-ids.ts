/** Counts up, so that no prompt begins like one before it and nothing of it is found in a cache. */
let prompts = 0;
const contexts = new Map<number, number[]>();

/** Token ids that say nothing but are not all the same. */
export function freshPrompt(count: number, vocabularySize: number): number[] {
  const seed = ++prompts * 7919;
  return Array.from({ length: count }, (_, i) => (seed + i * 2971) % vocabularySize);
}

/** The same ids whenever the same number is asked for. */
export function contextOf(count: number, vocabularySize: number): number[] {
  const ids = contexts.get(count) ?? freshPrompt(count, vocabularySize);
  contexts.set(count, ids);
  return ids;
}
