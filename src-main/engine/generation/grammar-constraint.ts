import { compileGrammar } from '../grammar/compile-grammar.ts';
import { GrammarMatcher } from '../grammar/grammar-matcher.ts';
import type { GrammarState } from '../grammar/token-masks.ts';
import { grammarVocabulary } from '../grammar/tokenizer-vocabulary.ts';
import type { Model } from '../models/model.ts';
import type { NamedStage } from '../sampling/sampler-chain.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GrammarSource } from '../api/types.ts';

/** The last matcher of each tokenizer, kept for the next reply because its masks are expensive. */
const kept = new WeakMap<Tokenizer, { key: string; matcher: GrammarMatcher }>();

/** @throws EngineError GRAMMAR with line and column */
export function grammarMatcher(grammar: GrammarSource, { tokenizer, config }: Model): GrammarMatcher {
  const key = JSON.stringify([grammar.kind, grammar.source, config.eosTokenIds]);
  const known = kept.get(tokenizer);
  if (known?.key === key) return known.matcher;
  const matcher = new GrammarMatcher(compileGrammar(grammar), grammarVocabulary(tokenizer, config.eosTokenIds));
  kept.set(tokenizer, { key, matcher });
  return matcher;
}

/** A grammar that a reply must follow. */
export class GrammarConstraint {
  /** Rules out the tokens that the grammar does not allow next. */
  readonly stage: NamedStage = ['grammar', (candidates) => this.mask(candidates.ids, candidates.logits)];
  private at: GrammarState;

  /** @param tokensLeft maximum number of further tokens, within which the grammar must be completed */
  constructor(
    private readonly matcher: GrammarMatcher,
    private readonly tokensLeft: () => number,
  ) {
    this.at = matcher.start;
  }

  /** Whether nothing but the end can follow. */
  get isFinished(): boolean {
    return this.matcher.mustEnd(this.at);
  }

  /** Whether the text so far is complete. */
  get mayEnd(): boolean {
    return this.matcher.mayEnd(this.at);
  }

  /** Number of tokens to the end by the shortest completion. */
  get tokensToEnd(): number {
    return this.matcher.tokensToEnd(this.at);
  }

  /** Whether a reply may begin with `text`. */
  allowsAtStart(text: string): boolean {
    return this.matcher.acceptText(this.matcher.start, text) !== null;
  }

  accept(id: number): void {
    // A token that the grammar does not allow is never drawn.
    this.at = this.matcher.accept(this.at, id) ?? this.at;
  }

  /** Continues after an existing text. @returns false, unchanged, when the grammar does not allow it */
  continueAfter(text: string): boolean {
    const behind = this.matcher.acceptText(this.at, text);
    if (behind !== null) this.at = behind;
    return behind !== null;
  }

  /** The same after tokens. */
  continueWith(ids: readonly number[]): boolean {
    let at: GrammarState | null = this.at;
    for (const id of ids) at = at === null ? null : this.matcher.accept(at, id);
    if (at !== null) this.at = at;
    return at !== null;
  }

  /** Whether a token may be next, apart from the end. */
  allows(id: number): boolean {
    return this.matcher.accept(this.at, id) !== null;
  }

  /** Starts again. */
  restart(): void {
    this.at = this.matcher.start;
  }

  save(): GrammarState {
    return this.at;
  }

  restore(at: GrammarState): void {
    this.at = at;
  }

  private mask(ids: Int32Array, logits: Float32Array): void {
    const { bits } = this.matcher.allowed(this.at, this.tokensLeft());
    for (let slot = 0; slot < logits.length; slot++) {
      const id = ids[slot];
      if (((bits[id >>> 5] >>> (id & 31)) & 1) === 0) logits[slot] = Number.NEGATIVE_INFINITY;
    }
  }
}
