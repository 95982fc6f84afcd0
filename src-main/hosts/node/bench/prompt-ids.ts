/** Incremented, so that no prompt shares a prefix with an earlier one in the cache. */
let prompts = 0;
const contexts = new Map<number, number[]>();

/** Arbitrary token ids that differ. */
export function freshPrompt(count: number, vocabularySize: number): number[] {
  const seed = ++prompts * 7919;
  return Array.from({ length: count }, (_, i) => (seed + i * 2971) % vocabularySize);
}

/** The same ids for the same number. */
export function contextOf(count: number, vocabularySize: number): number[] {
  const ids = contexts.get(count) ?? freshPrompt(count, vocabularySize);
  contexts.set(count, ids);
  return ids;
}
