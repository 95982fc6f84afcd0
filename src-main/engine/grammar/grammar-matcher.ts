import { EngineError } from '../api/errors.ts';
import { Automaton } from './automaton.ts';
import type { CheckedGrammar } from './check-rules.ts';
import type { CodePointSet } from './code-point-set.ts';
import type { TokenName } from './expression.ts';
import { minimumCosts } from './minimum-costs.ts';
import { TokenMasks, type GrammarState, type TokenMask } from './token-masks.ts';
import { bytesAfter, continued, NO_PARTIAL, utf8Length } from './utf8.ts';
import type { VocabularyTrie } from './vocabulary-trie.ts';

/** What a grammar needs from a vocabulary. */
export interface GrammarVocabulary {
  readonly trie: VocabularyTrie;
  /** End-of-generation tokens. */
  readonly endIds: readonly number[];
  /** The token of a piece as spelled in the vocabulary, for example `<|im_end|>`; null when there is none. */
  tokenOf(piece: string): number | null;
}

/**
 * Determines the allowed next tokens for a grammar and a vocabulary. It has no position itself; a `GrammarState` is one,
 * so any number of texts can be matched concurrently, and backtracking means using an earlier state.
 */
export class GrammarMatcher {
  readonly start: GrammarState;
  private readonly automaton: Automaton;
  private readonly masks: TokenMasks;
  private readonly named: readonly number[];

  /** @throws EngineError GRAMMAR when the grammar names a token that is not in the vocabulary, or is too ambiguous */
  constructor(
    grammar: CheckedGrammar,
    private readonly vocabulary: GrammarVocabulary,
  ) {
    const { trie, endIds } = vocabulary;
    this.automaton = new Automaton(
      grammar,
      minimumCosts(grammar, (set) => tokensPerCharacter(grammar.sets[set], trie.singleCharacters)),
    );
    this.named = grammar.tokens.map((token) => this.resolve(token));
    this.masks = new TokenMasks(this.automaton, trie, endIds, this.named);
    this.start = { state: this.automaton.start, partial: NO_PARTIAL };
  }

  /** Whether the text may end here. */
  mayEnd({ state, partial }: GrammarState): boolean {
    return state.end && partial.missing === 0;
  }

  /** Whether the text must end here, as nothing else can follow. */
  mustEnd(at: GrammarState): boolean {
    return this.mayEnd(at) && at.state.characters.length === 0 && at.state.tokens.length === 0;
  }

  /** Estimate of the minimum number of tokens to the end, never too low. */
  tokensToEnd(at: GrammarState): number {
    return this.masks.cost(at);
  }

  /**
   * The tokens that may come next.
   * @param budget remaining tokens: excludes tokens after which the end would be out of reach, unless it already is
   * @throws EngineError GRAMMAR when the grammar is too ambiguous to be matched in reasonable time
   */
  allowed(at: GrammarState, budget = Number.POSITIVE_INFINITY): TokenMask {
    return this.masks.mask(at, this.tokensToEnd(at) <= budget ? budget - 1 : Number.POSITIVE_INFINITY);
  }

  /** @returns the state after a token; null when the grammar does not allow it */
  accept(at: GrammarState, id: number): GrammarState | null {
    const { automaton, vocabulary } = this;
    automaton.renewBudget();
    const byToken = at.partial.missing === 0 ? automaton.stepToken(at.state, id, this.named) : automaton.dead;
    const byText = this.read(at, vocabulary.trie.vocabulary.bytes(id));
    if (byText.partial.missing > 0) return byText;
    const state = automaton.either(byText.state, byToken);
    return state === automaton.dead ? null : { state, partial: NO_PARTIAL };
  }

  /** @returns the state after a text; null when the grammar does not allow it */
  acceptText(at: GrammarState, text: string): GrammarState | null {
    this.automaton.renewBudget();
    const read = this.read(at, new TextEncoder().encode(text));
    return read.state === this.automaton.dead ? null : read;
  }

  private read(at: GrammarState, bytes: Uint8Array | null): GrammarState {
    const { automaton } = this;
    let { state } = at;
    let { value, missing } = at.partial;
    const dead = { state: automaton.dead, partial: NO_PARTIAL };
    if (bytes === null) return dead;
    for (const byte of bytes) {
      if (missing === 0) {
        missing = bytesAfter(byte);
        value = missing === 0 ? byte : byte & (0x3f >> missing);
      } else {
        value = continued(value, missing, byte);
        missing = value < 0 ? -1 : missing - 1;
      }
      if (missing < 0) return dead;
      if (missing === 0) state = automaton.step(state, automaton.alphabet.classOf(value));
      if (state === automaton.dead) return dead;
    }
    if (missing === 0) return { state, partial: NO_PARTIAL };
    const goesOn = automaton.costInside(state, value, missing) < Number.POSITIVE_INFINITY;
    return goesOn ? { state, partial: { value, missing } } : dead;
  }

  private resolve(token: TokenName): number {
    const { size } = this.vocabulary.trie.vocabulary;
    const id = 'id' in token ? token.id : this.vocabulary.tokenOf(token.piece);
    if (id !== null && id < size) return id;
    const name = 'id' in token ? `<[${token.id}]>` : token.piece;
    throw new EngineError('GRAMMAR', `The grammar uses the token ${name}, which is not in the model's vocabulary.`, {
      token: name,
    });
  }
}

/** Tokens for the cheapest character of a set: one if it has its own, else one per byte. */
function tokensPerCharacter(set: CodePointSet, single: Int32Array): number {
  if (single.some((codePoint) => set.has(codePoint))) return 1;
  let least = 4;
  for (const [first] of set.ranges()) least = Math.min(least, utf8Length(first));
  return least;
}
