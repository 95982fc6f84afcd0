import { EngineError } from '../api/errors.ts';
import type { GrammarState } from '../grammar/token-masks.ts';
import type { Model } from '../models/model.ts';
import { NothingToDraw } from '../sampling/dist.ts';
import type { Logits } from '../sampling/logits.ts';
import { SamplerChain, type ChainState, type NamedStage, type Sampled } from '../sampling/sampler-chain.ts';
import type { StageObserver } from '../sampling/sampler-chain.ts';
import type { GenerateParams } from '../api/types.ts';
import { type BannedMatch, BannedTexts, tokensBeginning, tokensContaining, vocabularyText } from './banned-texts.ts';
import { jointTo, replyIdsOf, textBefore } from './continuation.ts';
import { GrammarConstraint, grammarMatcher } from './grammar-constraint.ts';
import type { Prompt } from './prompt.ts';
import { textBiasStage } from './text-bias.ts';

/**
 * Maximum number of times that a reply backtracks to where a banned text began. After that, only the last token is
 * avoided.
 */
const MAX_RETURNS = 500;
/** The same for one position in the reply. */
const MAX_RETURNS_TO_ONE = 24;

export interface DraftJob {
  model: Model;
  params: GenerateParams;
  prompt: Prompt;
  seed: number;
}

/** Dead ends after which a reply fails. */
const MAX_DEAD_ENDS = 2000;

/** State before a token was drawn. */
interface Checkpoint {
  readonly chain: ChainState;
  readonly grammar: GrammarState | null;
}

/** Tokens ruled out at one position of the reply, given what precedes it. */
interface Place {
  readonly banned: Set<number>;
  returns: number;
}

/**
 * A reply as it is drawn: the sampler chain with the reply's constraints (grammar, banned texts), and backtracking. When
 * a banned text is completed, the tokens since its beginning are retracted, the chain is restored, and the token that
 * began it is ruled out at that position. If that leads to a dead end, only the token that completes the text is ruled
 * out.
 */
export class Draft<T extends { id: number }> {
  /** Prompt and reply so far. */
  readonly sequence: number[];
  /** What people should know before the reply begins. */
  readonly notices: string[] = [];
  /** The beginning of the reply that is part of the prompt, if the grammar allows it; else empty. */
  allowedBeginning = '';
  readonly chain: SamplerChain;
  private readonly grammar: GrammarConstraint | null;
  private readonly bans: BannedTexts<T> | null;
  /** By position in the reply, for as long as it can backtrack to it. */
  private readonly checkpoints = new Map<number, Checkpoint>();
  private readonly places = new Map<number, Place>();
  private returns = 0;
  private deadEnds = 0;
  /** Whether the grammar may end, and everything else is ruled out, also the end token. */
  private isComplete = false;
  /** Length of the prompt, with a given first token. */
  private firstPosition: number;

  /** @throws EngineError GRAMMAR */
  constructor({ model, params, prompt, seed }: DraftJob) {
    const { tokenizer, config } = model;
    const { sampling, stop } = params;
    this.sequence = [...prompt.ids];
    this.firstPosition = prompt.ids.length;
    const before = prompt.ids.length + (params.firstToken === undefined ? 0 : 1);
    const inWindow = prompt.keptByShift === null ? config.contextSize - before : Infinity;
    const room = Math.min(stop.maxTokens, inWindow);
    this.grammar =
      sampling.grammar === null
        ? null
        : new GrammarConstraint(grammarMatcher(sampling.grammar, model), () => room - this.length);
    this.bans =
      sampling.bannedTexts.length === 0
        ? null
        : new BannedTexts(sampling.bannedTexts, () => jointTo(params, prompt, tokenizer));
    if (this.grammar !== null) this.beginGrammar(this.grammar, params, room, model);

    const first: NamedStage[] = [];
    if (this.grammar !== null) first.push(this.grammar.stage);
    if (this.bans !== null) first.push(this.banStage(tokensContaining(sampling.bannedTexts, tokenizer)));
    const drawsAfterEnd = params.continues?.reason === 'eos' && params.firstToken === undefined;
    if (drawsAfterEnd && this.grammar === null) first.push(this.noEndStage(config.eosTokenIds));
    if (sampling.textBias.length > 0) first.push(textBiasStage(sampling.textBias, tokenizer));
    const maskedIds = stop.ignoreEos ? [...config.maskedTokenIds, ...config.eosTokenIds] : config.maskedTokenIds;
    this.chain = new SamplerChain(config.vocabularySize, sampling, seed, {
      maskedIds,
      first,
      vocabulary: vocabularyText(tokenizer, config.vocabularySize),
    });
    this.rest = (start) => tokensBeginning(start, tokenizer);
  }

  private readonly rest: (start: string) => number[];

  /** Tokens drawn and not retracted, without a given one. */
  get length(): number {
    return this.sequence.length - this.firstPosition;
  }

  /** Whether nothing but the end can follow, because of the grammar. */
  get isFinished(): boolean {
    return this.isComplete || (this.grammar?.isFinished ?? false);
  }

  /** Whether the grammar, if there is one, lets a reply begin with `text`. */
  grammarAllowsAtStart(text: string): boolean {
    return this.grammar?.allowsAtStart(text) ?? true;
  }

  /** Whether `follow` needs logits. */
  get followsLogits(): boolean {
    return this.chain.followsLogits;
  }

  /**
   * Adds a token of an existing reply, as if it had been drawn. Banned texts are not looked for: the reply has none.
   * @param logits before it; null unless `followsLogits`
   */
  follow(id: number, logits: Float32Array | Logits | null): void {
    this.chain.follow(id, logits, this.sequence);
    this.sequence.push(id);
    this.grammar?.accept(id);
  }

  /**
   * Draws a token without backtracking, for a preview.
   * @throws EngineError BAD_REQUEST or GRAMMAR when nothing can be drawn
   */
  drawOnce(logits: Float32Array | Logits, observe: StageObserver): Sampled {
    try {
      return this.chain.sample(logits, this.sequence, observe);
    } catch (error) {
      throw error instanceof NothingToDraw ? this.nothingLeft() : error;
    }
  }

  /**
   * Draws the next token. `accept` must follow, unless it ends the text.
   * @returns null when everything is ruled out here: the reply `isFinished`, or tokens were retracted because of banned texts;
   * then call again with the logits there
   * @throws EngineError BAD_REQUEST or GRAMMAR when nothing can be drawn
   */
  draw(logits: Float32Array | Logits, observe?: StageObserver): Sampled | null {
    if (this.bans !== null) this.checkpoints.set(this.length, this.checkpoint());
    try {
      return this.chain.sample(logits, this.sequence, observe);
    } catch (error) {
      if (!(error instanceof NothingToDraw)) throw error;
      this.escapeDeadEnd();
      return null;
    }
  }

  /**
   * Runs the chain on the logits of a token that is given, to report what it does there. Its state does not change.
   */
  drawGiven(id: number, logits: Float32Array | Logits, observe?: StageObserver): Sampled {
    const before = this.chain.save();
    let survivors = 0;
    try {
      ({ survivors } = this.chain.sample(logits, this.sequence, observe));
    } catch (error) {
      if (!(error instanceof NothingToDraw)) throw error;
    }
    this.chain.restore(before);
    return { id, probability: this.chain.sampledProbabilities([id])[0] ?? 0, survivors };
  }

  /** Adds a token that was given. It is never retracted. */
  acceptGiven(token: T): T[] {
    this.sequence.push(token.id);
    this.firstPosition++;
    this.bans?.give(token.id);
    if (this.grammar !== null && !this.grammar.continueWith([token.id])) this.grammar.restart();
    return [token];
  }

  /**
   * Adds a drawn token.
   * @returns tokens that will not be retracted any more, oldest first; null when tokens were retracted
   */
  accept(token: T): T[] | null {
    this.sequence.push(token.id);
    this.grammar?.accept(token.id);
    if (this.bans === null) return [token];
    const match = this.bans.push(token);
    if (match !== null) {
      this.avoid(match);
      return null;
    }
    const certain = this.bans.release();
    const from = this.bans.certain - certain.length;
    for (let position = from; position < this.bans.certain; position++) this.forget(position);
    return certain;
  }

  /** Ends the reply. @returns the tokens that were still held */
  finish(): T[] {
    return this.bans?.finish() ?? [];
  }

  private avoid({ position, last, rest }: BannedMatch): void {
    const ruledOut = this.place(position);
    if (this.returns < MAX_RETURNS && ruledOut.returns < MAX_RETURNS_TO_ONE) {
      this.returns++;
      ruledOut.returns++;
      this.backtrack(position);
      return;
    }
    this.backtrack(last);
    if (rest === '') return;
    for (const id of this.rest(rest)) this.place(last).banned.add(id);
  }

  /** Ends a complete reply, or backtracks, because nothing can be drawn at the current position. */
  private escapeDeadEnd(): void {
    const { bans, length } = this;
    if (this.grammar?.mayEnd === true) {
      this.isComplete = true;
      return;
    }
    if (bans === null || ++this.deadEnds > MAX_DEAD_ENDS) throw this.nothingLeft();
    const ruledOut = this.place(length);
    this.restore(length);
    if (ruledOut.returns > 0 && ruledOut.returns <= MAX_RETURNS_TO_ONE) {
      // Every alternative begins a banned text: allow it, and avoid only the end of the text.
      ruledOut.returns = MAX_RETURNS_TO_ONE + 1;
      ruledOut.banned.clear();
    } else if (length > bans.certain) {
      this.backtrack(length - 1);
    } else {
      throw this.nothingLeft();
    }
  }

  /** Retracts the tokens from `position` on and rules out the first of them there. */
  private backtrack(position: number): void {
    const id = this.sequence[this.firstPosition + position];
    for (let later = this.length; later > position; later--) this.forget(later);
    this.sequence.length = this.firstPosition + position;
    this.bans?.backtrack(position);
    this.restore(position);
    this.place(position).banned.add(id);
  }

  private checkpoint(): Checkpoint {
    return { chain: this.chain.save(), grammar: this.grammar?.save() ?? null };
  }

  private restore(position: number): void {
    const { chain, grammar } = this.checkpoints.get(position)!;
    this.chain.restore(chain);
    if (grammar !== null) this.grammar?.restore(grammar);
  }

  private place(position: number): Place {
    const known = this.places.get(position) ?? { banned: new Set(), returns: 0 };
    this.places.set(position, known);
    return known;
  }

  private forget(position: number): void {
    this.places.delete(position);
    this.checkpoints.delete(position);
  }

  private banStage(always: readonly number[]): NamedStage {
    return [
      'banned_texts',
      (candidates) => {
        candidates.ruleOut(always);
        candidates.ruleOut(this.places.get(this.length)?.banned ?? []);
      },
    ];
  }

  /**
   * Forbids the end as the first token of a continuation: after a reply that the model ended, it would only come again.
   */
  private noEndStage(eosTokenIds: readonly number[]): NamedStage {
    return [
      'continue',
      (candidates) => {
        if (this.length === 0) candidates.ruleOut(eosTokenIds);
      },
    ];
  }

  private beginGrammar(
    grammar: GrammarConstraint,
    { prompt, firstToken }: GenerateParams,
    room: number,
    { tokenizer, config: { eosTokenIds } }: Model,
  ): void {
    const written = prompt.kind === 'chat' ? textBefore(prompt) : '';
    const replyIds = replyIdsOf(prompt);
    if ((written === '' || grammar.continueAfter(written)) && grammar.continueWith(replyIds)) {
      this.allowedBeginning = written + tokenizer.decode(replyIds, false);
    } else {
      grammar.restart();
      this.notices.push('The reply so far does not follow the grammar, so the grammar applies from here on.');
    }
    if (firstToken !== undefined && !eosTokenIds.includes(firstToken) && !grammar.allows(firstToken)) {
      this.notices.push('The chosen token does not follow the grammar, so the grammar applies after it.');
    }
    const needed = grammar.tokensToEnd;
    if (needed > room) {
      const tokens = room === 1 ? 'only 1 token is' : `only ${room} tokens are`;
      this.notices.push(`The grammar needs about ${needed} more tokens to finish, but ${tokens} left.`);
    }
  }

  private nothingLeft(): EngineError {
    if (this.bans !== null) {
      const grammar = this.grammar === null ? '' : ' and the grammar';
      const message = `The banned texts${grammar} leave no possible next token. Ban fewer texts.`;
      return new EngineError('BAD_REQUEST', message, { field: 'sampling.bannedTexts' });
    }
    if (this.grammar === null) return new NothingToDraw();
    return new EngineError(
      'GRAMMAR',
      'No token is allowed next: the vocabulary cannot spell what the grammar requires, or the settings rule it out. ' +
        'Change the grammar, or loosen the sampling settings.',
    );
  }
}
