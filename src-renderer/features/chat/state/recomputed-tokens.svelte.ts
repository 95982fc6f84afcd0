import { SvelteMap } from 'svelte/reactivity';
import { defaultSamplingParams, defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import type { TokenColours } from '../../../../src-main/protocol/app/app-services.ts';
import { NO_TOKEN, type TokenDetails } from '../../../../src-main/protocol/app/chats/chat.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { DrawQuestion, DrawSource } from '../../waterfall/draw-source.ts';
import { UNKNOWN_MEASURES, type TokenMeasures } from '../thread/tint.ts';
import type { EngineState } from './engine.svelte.ts';
import { CANDIDATES } from './reply-request.ts';
import type { Reply } from './reply.svelte.ts';

/** Why a text that a person typed or imported has no candidates, and no other token can take its place. */
export const NOT_GENERATED = 'No model generated this text.';

/** The model's own distribution at each token of a reply. */
export interface TokenScores {
  /** Index of the first token; those before it cannot be recomputed. */
  from: number;
  /** From `from` on, ranks from 1. */
  ranks: readonly number[];
  /** From `from` on, nats. */
  entropies: readonly number[];
  /** See `PromptWithReply`. */
  hasOtherPrompt: boolean;
}

/** The prompt of a reply, with a part of the reply behind it. */
export interface PromptWithReply {
  prompt: PromptInput;
  /** Its last tokens, which are those of the reply directly before the end. */
  replyTokens: number;
  /** What is before them is not what the reply was generated after; absent if unknown. */
  hasOtherPrompt?: boolean;
}

/** What the tokens of a reply are recomputed from. */
export interface TokenBasis {
  /** The reply's prompt, with the first `end` tokens of the reply behind it. */
  promptWith(end: number, engine: EngineApi): Promise<PromptWithReply>;
  /** How the reply was drawn; null if that is not known. */
  draws(): DrawSource | Promise<DrawSource | null>;
}

/**
 * What is not stored of a reply and therefore computed again, on demand: by the loaded model, which must be the reply's,
 * and with what is before it now: the chat's system prompt and template, or the text of the notebook.
 */
export class RecomputedTokens {
  scores = $state.raw<TokenScores | null>(null);
  /** Why they could not be computed, or null. */
  problem = $state.raw<string | null>(null);
  readonly #details = new SvelteMap<number, TokenDetails | { readonly problem: string }>();
  readonly #reply: Reply;
  readonly #engine: Pick<EngineState, 'model' | 'status' | 'ready'>;
  readonly #basis: TokenBasis;

  constructor(reply: Reply, engine: Pick<EngineState, 'model' | 'status' | 'ready'>, basis: TokenBasis) {
    this.#reply = reply;
    this.#engine = engine;
    this.#basis = basis;
  }

  /** Why nothing can be recomputed, nor the reply be branched; null if it can. */
  get blocked(): string | null {
    const { model, status } = this.#engine;
    const { running, elsewhere, facts } = this.#reply;
    if (model === null || status !== 'ready') return 'No model is loaded.';
    if (running || elsewhere) return 'The reply is not finished.';
    // Its token ids mean something else to another model.
    if (facts.modelId !== '' && facts.modelId !== model.id)
      return `This reply is by ${facts.model}. Load ${facts.model} first.`;
    return null;
  }

  /** Computes rank and entropy of all tokens, if that was not done. @returns cancels it */
  score(): () => void {
    const { scores } = this;
    if (scores !== null && scores.from + scores.ranks.length === this.#reply.count) return () => undefined;
    const abort = new AbortController();
    void this.#score(abort.signal);
    return () => abort.abort();
  }

  /** What a token is coloured by and the reply's columns do not have. Stored ranks come first. Reactive. */
  measuresOf(index: number, by: TokenColours['by']): Pick<TokenMeasures, 'rank' | 'entropy'> {
    if (by !== 'rank' && by !== 'entropy') return UNKNOWN_MEASURES;
    const { scores } = this;
    const at = scores === null ? -1 : index - scores.from;
    if (by === 'entropy') return { rank: null, entropy: scores?.entropies[at] ?? null };
    const isRanked = this.#reply.idOf(index) !== NO_TOKEN;
    return { rank: isRanked ? (this.#reply.details.rank(index) ?? scores?.ranks[at] ?? null) : null, entropy: null };
  }

  /** The recomputed candidates at a token; null if they were not asked for, or not yet computed. */
  detailsOf(index: number): TokenDetails | null {
    const known = this.#details.get(index);
    return known === undefined || 'problem' in known ? null : known;
  }

  /** Why the candidates at a token could not be recomputed, or null. */
  problemOf(index: number): string | null {
    const known = this.#details.get(index);
    return known !== undefined && 'problem' in known ? known.problem : null;
  }

  /** Computes the candidates at a token again, before and after the reply's sampler chain. @returns cancels it */
  askDetails(index: number): () => void {
    if (this.detailsOf(index) !== null) return () => undefined;
    const abort = new AbortController();
    void this.#ask(index, abort.signal);
    return () => abort.abort();
  }

  /** Computes what is before a token, unless the engine has it, so that a branch there begins at once. @returns cancels it */
  prepareBranch(index: number): () => void {
    const abort = new AbortController();
    void this.#prepare(index, abort.signal);
    return () => abort.abort();
  }

  async #prepare(index: number, signal: AbortSignal): Promise<void> {
    try {
      const engine = await this.#engine.ready(signal);
      const { prompt } = await this.#basis.promptWith(index, engine);
      const request = { prompt, sampling: defaultSamplingParams(), stop: defaultStopParams(), topCandidates: 0 };
      await engine.call('preview', request, { signal });
    } catch {
      // The branch itself says what is wrong.
    }
  }

  async #score(signal: AbortSignal): Promise<void> {
    const { count } = this.#reply;
    this.problem = null;
    try {
      const engine = await this.#engine.ready(signal);
      const { prompt, replyTokens: last, hasOtherPrompt = false } = await this.#datedPrompt(count, engine);
      if (last === 0) throw new EngineError('BAD_REQUEST', 'The ids of its tokens are not known.');
      const { ranks, entropies } = await engine.call('score', { prompt, top: 0, last }, { signal });
      // The last distribution is that of the token after the reply.
      const scores = { from: count - last, ranks, entropies: entropies.slice(0, -1), hasOtherPrompt };
      if (!signal.aborted) this.scores = scores;
    } catch (thrown) {
      if (!signal.aborted) this.problem = EngineError.from(thrown).message;
    }
  }

  /** The prompt with the date of the reply's run, which its template may have written. */
  async #datedPrompt(end: number, engine: EngineApi): Promise<PromptWithReply> {
    const asked = await this.#basis.promptWith(end, engine);
    const date = this.#reply.facts.run?.requestedAt;
    if (date === undefined || asked.prompt.kind !== 'chat') return asked;
    return { ...asked, prompt: { ...asked.prompt, date } };
  }

  /** As the token was drawn; if that is not known, as the reply's settings would draw it after the text before it. */
  async #questionAt(index: number, engine: EngineApi): Promise<DrawQuestion> {
    const draws = await this.#basis.draws();
    if (draws !== null && draws.problem(index) === null) return draws.question(index);
    const { prompt } = await this.#datedPrompt(index, engine);
    const { sampling, seed, facts } = this.#reply;
    return { prompt, sampling: { ...sampling, seed }, stop: facts.run?.stop ?? defaultStopParams() };
  }

  async #ask(index: number, signal: AbortSignal): Promise<void> {
    try {
      const { id } = this.#reply.token(index);
      if (id === NO_TOKEN) throw new EngineError('BAD_REQUEST', NOT_GENERATED);
      const engine = await this.#engine.ready(signal);
      const request = { ...(await this.#questionAt(index, engine)), topCandidates: CANDIDATES, token: id };
      const { token, candidates, survivors } = await engine.call('preview', request, { signal });
      if (signal.aborted || token === null) return;
      const { rank, ...own } = token;
      const { piece, sampledProbability } = own;
      const isListed = candidates.some((one) => one.id === id);
      this.#details.set(index, {
        ...{ piece, rank, sampledProbability: sampledProbability ?? 0, survivors },
        candidates: isListed ? candidates : [...candidates, own],
      });
    } catch (thrown) {
      if (!signal.aborted) this.#details.set(index, { problem: EngineError.from(thrown).message });
    }
  }
}
