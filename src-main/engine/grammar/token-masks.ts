import type { Automaton, State } from './automaton.ts';
import { CharacterRuns } from './character-runs.ts';
import { bytesAfter, continued, type PartialCharacter } from './utf8.ts';
import type { VocabularyTrie } from './vocabulary-trie.ts';

/** Memory for cached masks. */
const MAX_MASK_BYTES = 32 * 1024 * 1024;

/** A position of a text of tokens in a grammar. Immutable. */
export interface GrammarState {
  readonly state: State;
  /** The last token may have ended inside a character. */
  readonly partial: PartialCharacter;
}

/** The tokens that may come next. */
export interface TokenMask {
  /** `[ceil(vocabulary / 32)]`: bit i % 32 of word i / 32 is token i. */
  readonly bits: Uint32Array;
  readonly count: number;
  /** Maximum cost of a completion after one of them. */
  readonly maxCost: number;
}

/** Computes the allowed tokens of a vocabulary for a state of a grammar. */
export class TokenMasks {
  private readonly known = new Map<State, Map<string, TokenMask>>();
  private kept = 0;
  private readonly runs: CharacterRuns;
  /** State of the walk by depth in the trie. */
  private readonly states: State[] = [];
  private readonly values: Int32Array;
  private readonly missing: Int32Array;

  /**
   * @param endIds tokens that end the text: allowed only where the grammar may end
   * @param named token ids of `grammar.tokens`
   */
  constructor(
    private readonly automaton: Automaton,
    private readonly trie: VocabularyTrie,
    private readonly endIds: readonly number[],
    private readonly named: readonly number[],
  ) {
    this.runs = new CharacterRuns(automaton, trie);
    this.values = new Int32Array(trie.maxDepth + 1);
    this.missing = new Int32Array(trie.maxDepth + 1);
  }

  /**
   * @param maxCost excludes tokens after which the end costs more
   * @throws EngineError GRAMMAR when the grammar is too ambiguous
   */
  mask(at: GrammarState, maxCost = Number.POSITIVE_INFINITY): TokenMask {
    const { state, partial } = at;
    const key = `${partial.missing}:${partial.value}`;
    let mask = this.known.get(state)?.get(key);
    if (mask === undefined) {
      mask = this.compute(at, Number.POSITIVE_INFINITY);
      this.keep(state, key, mask);
    }
    return mask.maxCost <= maxCost ? mask : this.compute(at, maxCost);
  }

  private keep(state: State, key: string, mask: TokenMask): void {
    if (++this.kept * mask.bits.byteLength > MAX_MASK_BYTES) {
      this.known.clear();
      this.kept = 1;
    }
    const masks = this.known.get(state);
    if (masks === undefined) this.known.set(state, new Map([[key, mask]]));
    else masks.set(key, mask);
  }

  private compute({ state: from, partial }: GrammarState, limit: number): TokenMask {
    const { automaton, trie, states, values, missing } = this;
    const { byte, depth, skip, tokenStart, tokens } = trie;
    const { dead, alphabet } = automaton;
    automaton.renewBudget();
    const run = limit === Number.POSITIVE_INFINITY && partial.missing === 0 ? this.runs.at(from) : null;
    const bits = run?.bits.slice() ?? new Uint32Array(Math.ceil(trie.vocabulary.size / 32));
    let maxCost = run?.maxCost ?? 0;
    states[0] = from;
    values[0] = partial.value;
    missing[0] = partial.missing;
    const nodes = byte.length;
    let node = 1;
    while (node < nodes) {
      if (run?.all[node] === 1) {
        node = skip[node];
        continue;
      }
      const level = depth[node];
      const next = byte[node];
      let state = states[level - 1];
      let value = values[level - 1];
      let left = missing[level - 1];
      if (left > 0) {
        value = continued(value, left, next);
        left = value < 0 ? -1 : left - 1;
      } else if (next < 0x80) {
        value = next;
      } else {
        left = bytesAfter(next);
        value = next & (0x3f >> left);
      }
      let cost = 0;
      if (left === 0) {
        const characterClass = alphabet.classOf(value);
        state = state.after[characterClass] ?? automaton.step(state, characterClass);
        cost = state.cost;
      } else if (left < 0) {
        state = dead;
      } else {
        cost = automaton.costInside(state, value, left);
        if (cost === Number.POSITIVE_INFINITY) state = dead;
      }
      if (state === dead) {
        node = skip[node];
        continue;
      }
      states[level] = state;
      values[level] = value;
      missing[level] = left;
      const end = tokenStart[node + 1];
      if (cost <= limit) {
        for (let i = tokenStart[node]; i < end; i++) {
          bits[tokens[i] >>> 5] |= 1 << (tokens[i] & 31);
          if (cost > maxCost) maxCost = cost;
        }
      }
      node++;
    }
    if (partial.missing === 0) maxCost = Math.max(maxCost, this.allowNamed(from, bits, limit));
    for (const id of this.endIds) {
      if (from.end && partial.missing === 0) bits[id >>> 5] |= 1 << (id & 31);
      else bits[id >>> 5] &= ~(1 << (id & 31));
    }
    return { bits, count: countBits(bits), maxCost };
  }

  /** Cost of the cheapest completion in tokens, if each character takes as few as possible. */
  cost({ state, partial }: GrammarState): number {
    return partial.missing === 0 ? state.cost : this.automaton.costInside(state, partial.value, partial.missing);
  }

  /** Allows the tokens that the grammar names. @returns maximum cost of a completion after one of them */
  private allowNamed(from: State, bits: Uint32Array, limit: number): number {
    let maxCost = 0;
    for (const item of from.tokens) {
      const cost = this.automaton.costBehind(item);
      if (cost > limit) continue;
      maxCost = Math.max(maxCost, cost);
      for (const id of this.automaton.tokensAt(item, this.named, this.trie.tokens)) bits[id >>> 5] |= 1 << (id & 31);
    }
    return maxCost;
  }
}

function countBits(bits: Uint32Array): number {
  let count = 0;
  for (let word of bits) for (; word !== 0; word &= word - 1) count++;
  return count;
}
