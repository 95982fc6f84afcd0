/** Maximum length of a breaker's part after the token it begins in, in tokens; as in llama.cpp. */
const MAX_TAIL = 20;

/** What DRY needs from a vocabulary. */
export interface VocabularyText {
  readonly size: number;
  /** The text of a single token, including special tokens. */
  text(id: number): string;
  /** Token ids of a text without special tokens or BOS. */
  encode(text: string): number[];
}

/**
 * Where the search for repetition ends: for each token in which a breaker begins, the token sequences that complete the
 * breaker. An empty sequence means that the token contains the whole breaker.
 */
export type Breakers = ReadonlyMap<number, readonly (readonly number[])[]>;

/**
 * Finds the tokens in which a breaker occurs or begins. Scans the whole vocabulary, so do it once. Does not find a
 * breaker that begins inside a character, in a token with only some of its bytes.
 */
export function findBreakers(breakers: readonly string[], vocabulary: VocabularyText): Breakers {
  const found = new Map<number, number[][]>();
  const tails = new Map<string, number[]>();
  const tailOf = (text: string): number[] => {
    const tail = tails.get(text) ?? vocabulary.encode(text).slice(0, MAX_TAIL);
    tails.set(text, tail);
    return tail;
  };
  for (let id = 0; id < vocabulary.size; id++) {
    const text = vocabulary.text(id);
    const sequences: number[][] = [];
    for (const breaker of breakers) {
      if (text.includes(breaker)) sequences.push([]);
      else for (const begun of overlaps(text, breaker)) sequences.push(tailOf(breaker.slice(begun)));
    }
    if (sequences.length > 0) found.set(id, sequences);
  }
  return found;
}

/** Lengths of the proper prefixes of `breaker` with which `text` ends. */
function overlaps(text: string, breaker: string): number[] {
  const lengths: number[] = [];
  for (let length = Math.min(text.length, breaker.length - 1); length > 0; length--) {
    if (text.endsWith(breaker.slice(0, length))) lengths.push(length);
  }
  return lengths;
}

/** Whether a token contains a whole breaker. */
export function isBreaker(breakers: Breakers, id: number): boolean {
  return breakers.get(id)?.some((tail) => tail.length === 0) ?? false;
}

/**
 * Number of tokens at the end of `history` after the latest breaker; all of them if there is none.
 * @param history oldest first
 */
export function lengthAfterBreaker(history: readonly number[], breakers: Breakers): number {
  const last = history.length - 1;
  for (let since = 0; since <= last; since++) {
    const tails = breakers.get(history[last - since]);
    if (tails === undefined) continue;
    let longest = -1;
    for (const tail of tails) {
      if (tail.length <= longest || tail.length > since) continue;
      if (tail.every((id, i) => history[last - since + 1 + i] === id)) longest = tail.length;
    }
    if (longest >= 0) return since - longest;
  }
  return history.length;
}
