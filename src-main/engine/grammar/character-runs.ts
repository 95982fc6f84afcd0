import type { Automaton, State } from './automaton.ts';
import type { CodePointSet } from './code-point-set.ts';
import { bytesAfter, continued } from './utf8.ts';
import type { VocabularyTrie } from './vocabulary-trie.ts';

/** Run lengths that are tried; a longer run covers more tokens. */
const LENGTHS = [24, 12, 6, 3];
/** Sets with fewer characters occur in few tokens, which are quickly checked one by one. */
const MIN_CHARACTERS = 20;

/** The tokens that consist of characters of one set only, up to a maximum length. */
interface RunTokens {
  /** `[ceil(vocabulary / 32)]`, as in a mask. */
  readonly bits: Uint32Array;
  /** `[nodes]` of the trie: whether all tokens of the subtree are such tokens. */
  readonly all: Uint8Array;
}

/** Tokens that a state allows without checking each. */
export interface Run extends RunTokens {
  /** Maximum cost of a completion after one of them. */
  readonly maxCost: number;
}

/**
 * Finds states after which any sequence of characters of one set may follow, as in JSON strings or free text. There
 * almost the whole vocabulary is allowed, and the allowed part is the same for every such state.
 */
export class CharacterRuns {
  private readonly tokens = new Map<string, RunTokens>();
  private readonly classes = new Map<number, readonly number[]>();

  constructor(
    private readonly automaton: Automaton,
    private readonly trie: VocabularyTrie,
  ) {}

  /** @returns null if there is no such run */
  at(state: State): Run | null {
    const set = this.largestSet(state);
    if (set === null) return null;
    const { length, maxCost } = this.follow(state, set);
    const limit = LENGTHS.find((wanted) => wanted <= length);
    return limit === undefined ? null : { ...this.tokensOf(set, limit), maxCost };
  }

  /** Index of the set with the most characters that can come next. */
  private largestSet(state: State): number | null {
    const { sets, values } = this.automaton.grammar;
    let largest: number | null = null;
    let most = MIN_CHARACTERS;
    for (const { position } of state.characters) {
      const size = sets[values[position]].size;
      if (size > most) {
        most = size;
        largest = values[position];
      }
    }
    return largest;
  }

  /** How many characters of the set may follow while all of them lead to the same state. */
  private follow(from: State, set: number): { length: number; maxCost: number } {
    const classes = this.classesOf(set);
    let state = from;
    let maxCost = 0;
    for (let length = 0; length < LENGTHS[0]; length++) {
      const next = this.automaton.step(state, classes[0]);
      const same = next !== this.automaton.dead && classes.every((each) => this.automaton.step(state, each) === next);
      if (!same) return { length, maxCost };
      maxCost = Math.max(maxCost, next.cost);
      if (next === state) return { length: LENGTHS[0], maxCost };
      state = next;
    }
    return { length: LENGTHS[0], maxCost };
  }

  private classesOf(set: number): readonly number[] {
    const known = this.classes.get(set);
    if (known !== undefined) return known;
    const { grammar, alphabet } = this.automaton;
    const classes = [...alphabet.representatives.keys()].filter((each) =>
      grammar.sets[set].has(alphabet.representatives[each]),
    );
    this.classes.set(set, classes);
    return classes;
  }

  private tokensOf(set: number, limit: number): RunTokens {
    const key = `${set}:${limit}`;
    const known = this.tokens.get(key);
    if (known !== undefined) return known;
    const found = findRunTokens(this.trie, this.automaton.grammar.sets[set], limit);
    this.tokens.set(key, found);
    return found;
  }
}

function findRunTokens(trie: VocabularyTrie, set: CodePointSet, limit: number): RunTokens {
  const { byte, depth, tokenStart, tokens, vocabulary } = trie;
  const bits = new Uint32Array(Math.ceil(vocabulary.size / 32));
  const all = new Uint8Array(byte.length).fill(1);
  const parent = new Int32Array(byte.length);
  // By depth: the node, its number of characters so far (-1: one is not in the set), and the incomplete character.
  const nodes = new Int32Array(trie.maxDepth + 1);
  const lengths = new Int32Array(trie.maxDepth + 1);
  const values = new Int32Array(trie.maxDepth + 1);
  const missing = new Int32Array(trie.maxDepth + 1);
  for (let node = 1; node < byte.length; node++) {
    const level = depth[node];
    const next = byte[node];
    const left = missing[level - 1];
    let length = lengths[level - 1];
    const nowLeft = left === 0 ? bytesAfter(next) : left - 1;
    const value = left === 0 ? next & (nowLeft > 0 ? 0x3f >> nowLeft : 0xff) : continued(values[level - 1], left, next);
    if (length >= 0 && (value < 0 || nowLeft < 0)) length = -1;
    if (length >= 0 && nowLeft === 0) length = set.has(value) && length < limit ? length + 1 : -1;
    parent[node] = nodes[level - 1];
    nodes[level] = node;
    lengths[level] = length;
    values[level] = value;
    missing[level] = Math.max(0, nowLeft);
    for (let i = tokenStart[node]; i < tokenStart[node + 1]; i++) {
      if (length >= 0 && nowLeft === 0) bits[tokens[i] >>> 5] |= 1 << (tokens[i] & 31);
      else all[node] = 0;
    }
  }
  for (let node = byte.length - 1; node > 0; node--) if (all[node] === 0) all[parent[node]] = 0;
  return { bits, all };
}
