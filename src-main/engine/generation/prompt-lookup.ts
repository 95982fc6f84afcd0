import type { Drafter } from './drafter.ts';

/** Tokens that must have occurred before. Shorter matches are usually wrong. */
const KEY_TOKENS = 3;
/** Matches of this length usually continue. */
const LONG_MATCH = 8;
/** Draft after a shorter match: with the token before it, four rows, which the kernels multiply together. */
const SHORT_DRAFT = 3;
/** Earlier occurrences that are compared, newest first. */
const MAX_OCCURRENCES = 16;

/**
 * Drafts what followed the last tokens where they occurred before, in the prompt or the reply. Of several occurrences, the
 * one with the longest match counts, then the newest.
 *
 * "Prompt lookup decoding", Saxena 2023; the index is that of LZ77 compressors.
 */
export class PromptLookup implements Drafter {
  private readonly ids: number[] = [];
  /** By hash of `KEY_TOKENS` tokens: the index after their newest occurrence. */
  private readonly newest = new Map<number, number>();
  /** By such an index: that of the occurrence before it; 0 for none. */
  private readonly earlier: number[] = [];

  draft(ids: readonly number[], most: number): number[] {
    this.follow(ids);
    const end = ids.length;
    let [start, longest] = [0, KEY_TOKENS - 1];
    let occurrence = this.earlier[end] ?? 0;
    for (let i = 0; i < MAX_OCCURRENCES && occurrence > 0; i++, occurrence = this.earlier[occurrence]) {
      const length = this.matchLength(occurrence);
      if (length > longest) [start, longest] = [occurrence, length];
    }
    if (start === 0) return [];
    const draft: number[] = [];
    const wanted = longest >= LONG_MATCH ? most : Math.min(most, SHORT_DRAFT);
    // A match that reaches the end repeats itself.
    for (let at = start; draft.length < wanted; at++) draft.push(at < end ? ids[at] : draft[at - end]);
    return draft;
  }

  /** Tokens before `occurrence` that equal the last tokens, up to `LONG_MATCH`. */
  private matchLength(occurrence: number): number {
    const { ids } = this;
    let length = 0;
    while (
      length < LONG_MATCH &&
      length < occurrence &&
      ids[occurrence - 1 - length] === ids[ids.length - 1 - length]
    ) {
      length++;
    }
    return length;
  }

  /** Makes `ids` the indexed ones. */
  private follow(ids: readonly number[]): void {
    let common = 0;
    while (common < this.ids.length && this.ids[common] === ids[common]) common++;
    while (this.ids.length > common) this.pop();
    for (let i = common; i < ids.length; i++) this.push(ids[i]);
  }

  private push(id: number): void {
    const end = this.ids.push(id);
    if (end < KEY_TOKENS) return;
    const key = this.keyBefore(end);
    this.earlier[end] = this.newest.get(key) ?? 0;
    this.newest.set(key, end);
  }

  private pop(): void {
    const end = this.ids.length;
    if (end >= KEY_TOKENS) this.newest.set(this.keyBefore(end), this.earlier[end]);
    this.ids.pop();
  }

  /** Different tokens may have the same hash, so matches are compared. */
  private keyBefore(end: number): number {
    let hash = 0;
    for (let i = end - KEY_TOKENS; i < end; i++) hash = Math.imul(hash ^ this.ids[i], 0x9e3779b1);
    return hash;
  }
}
