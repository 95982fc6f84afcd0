import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { GenerateParams } from '../../../../src-main/engine/api/types.ts';
import { newReplyFacts, type BranchPoint } from '../../../../src-main/protocol/app/chats/chat.ts';
import { KEPT } from '../../../../src-main/protocol/app/chats/notebook.ts';
import { pacedFrame, type PacedFrame } from '../../../lib/paced-frames.ts';
import type { SessionTotals } from '../../chat/rates/session-totals.svelte.ts';
import type { StoredRun } from '../../chat/receipts/recorded-reply.ts';
import { notebookRunFacts } from '../../chat/receipts/run-facts.ts';
import type { RunRecorder } from '../../chat/receipts/run-recorder.ts';
import { contextUse, type ContextUse } from '../../chat/state/context-use.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import { now } from '../../chat/state/identity.ts';
import type { ModelSettingsState } from '../../chat/state/model-settings.svelte.ts';
import { RecomputedTokens } from '../../chat/state/recomputed-tokens.svelte.ts';
import { CANDIDATES, modelFacts } from '../../chat/state/reply-request.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import type { SettingsState } from '../../chat/state/settings.svelte.ts';
import { stopAfter, writeReply } from '../../chat/state/write-reply.ts';
import type { DrawQuestion, DrawSource } from '../../waterfall/draw-source.ts';
import { GENERATED, insertToken, removeTokens, TYPED, type NotebookDocument } from './notebook-document.svelte.ts';
import { questionAt } from './notebook-prompt.ts';
import type { NotebooksState } from './notebooks.svelte.ts';
import { generationDraws, generationPrompt, recordedGeneration, type RecordedParts } from './recorded-generation.ts';
import { branchProblem, tokensInRuns, type NotebookToken } from './token-runs.ts';
import { firstTokenOf, shownFrom, type Fork, type Place } from './versions.ts';

const RATE_POINTS = 60;
const ELSEWHERE = 'This text is being generated in another window. Wait for it or stop it there.';

export interface SessionParts {
  readonly notebooks: NotebooksState;
  readonly engine: Pick<EngineState, 'model' | 'status' | 'ready'>;
  readonly settings: Pick<SettingsState, 'current'>;
  readonly modelSettings: Pick<ModelSettingsState, 'sampling' | 'stop'>;
  readonly recorder: RunRecorder;
  readonly totals: Pick<SessionTotals, 'add'>;
  /** Why nothing can be generated now, or null. */
  readonly blocked: () => string | null;
  /** Collects tokens until the next animation frame; tests provide their own. */
  readonly frame?: PacedFrame;
}

/** Where a generation begins. */
interface Start {
  position: number;
  /** The first token, which a person chose. */
  firstToken?: number;
  /** Tokens to remove in the same step of undo, and the first of them as a place in its reply. */
  replaces?: { tokens: readonly NotebookToken[]; from: BranchPoint };
}

/** Generating in the open notebook. */
export class NotebookSession {
  #running = $state.raw<{ notebook: NotebookDocument; reply: Reply; abort: AbortController } | null>(null);
  #leftOut = $state.raw<{ reply: Reply; tokens: number } | null>(null);
  readonly #parts: SessionParts;
  readonly #recomputed = new WeakMap<Reply, RecomputedTokens>();
  readonly #frame: PacedFrame;
  /** The latest run. Resolves to whether it has undone itself. */
  #done: Promise<boolean> = Promise.resolve(false);
  /** Resolves when the files of the latest reply's model have been hashed, or cannot be. */
  #hashing: Promise<void> = Promise.resolve();

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#frame = parts.frame ?? pacedFrame;
  }

  get busy(): boolean {
    return this.#running !== null;
  }

  /** Id of the notebook with the running reply. */
  get writingId(): string | null {
    return this.#running?.notebook.id ?? null;
  }

  /** The running reply of the open notebook. */
  get running(): Reply | null {
    return this.#running?.notebook === this.#parts.notebooks.current ? (this.#running?.reply ?? null) : null;
  }

  get blocked(): string | null {
    return this.#parts.blocked();
  }

  /** Tokens at the beginning of the text that the open notebook's latest generation did not read. */
  get leftOut(): number {
    const reply = this.#parts.notebooks.current?.lastReply ?? null;
    return reply !== null && this.#leftOut?.reply === reply ? this.#leftOut.tokens : 0;
  }

  /** The tokens of the open notebook, in order. */
  get tokens(): NotebookToken[] {
    const notebook = this.#parts.notebooks.current;
    return notebook === null ? [] : tokensOf(notebook);
  }

  /** The newest reply whose tokens are in the text; null if there is none. */
  get latest(): Reply | null {
    const { tokens } = this;
    const { replies = [] } = this.#parts.notebooks.current ?? {};
    return replies.findLast((reply) => tokens.some((token) => token.reply === reply)) ?? null;
  }

  get context(): ContextUse {
    return contextUse(this.#measured, this.#parts.engine.model?.contextSize ?? 0);
  }

  get rate(): { points: readonly number[]; current: number } | null {
    const reply = this.#measured;
    if (reply === null || reply.count < 2) return null;
    const { statistics } = reply;
    const current = reply.running ? statistics.now() : (reply.timings?.decodeTokensPerSecond ?? statistics.average());
    return current === null ? null : { points: statistics.overTime(RATE_POINTS).map((point) => point.rate), current };
  }

  /** How Generate would draw a token at a position. Reactive: what that depends on is read before it returns. */
  nextDraw(position: number): (signal: AbortSignal) => Promise<DrawQuestion> {
    const { notebooks, engine, modelSettings, settings } = this.#parts;
    const notebook = notebooks.current;
    const { model } = engine;
    const { sampling, stop } = modelSettings;
    const { whenFull } = settings.current;
    void notebook?.changes;
    return async (signal) => {
      const api = await engine.ready(signal);
      if (notebook === null || model === null) throw new EngineError('NO_MODEL', 'No model is loaded.');
      const parts = { notebook, position, engine: api, model, whenFull, maxTokens: stop.maxTokens, signal };
      const { question } = await questionAt(parts);
      return { ...question, sampling, stop };
    };
  }

  /** Continues the open notebook at a position. What follows it stays. Resolves when the reply has ended. */
  async generate(position: number): Promise<void> {
    await this.#begin({ position });
  }

  /** Why what begins at a token cannot be replaced now, or null. */
  replaceBlocked({ reply, index }: Place): string | null {
    const { replies = [] } = this.#parts.notebooks.current ?? {};
    // Looking through all tokens of a long text takes time.
    if (!replies.some(({ elsewhere }) => elsewhere)) return null;
    const replaced = shownFrom(this.tokens, { reply, index }, replies);
    return reply.elsewhere || replaced.some((token) => token.reply.elsewhere) ? ELSEWHERE : null;
  }

  /** Why no other token can be taken in the place of one now, or null. */
  branchBlocked(token: NotebookToken): string | null {
    return branchProblem(token) ?? this.replaceBlocked(token);
  }

  /** Why no other version can be shown at a fork now, or null. */
  pagingBlocked({ place, shown, versions }: Fork): string | null {
    if (versions.some(({ elsewhere }) => elsewhere)) return ELSEWHERE;
    return this.replaceBlocked({ reply: shown, index: firstTokenOf(shown, place) });
  }

  /** Generates a reply again, in its place: the newest one, unless it is given. What a person typed within it stays. */
  async regenerate(reply: Reply | null = this.latest): Promise<void> {
    const notebook = this.#parts.notebooks.current;
    if (notebook === null || reply === null || this.replaceBlocked({ reply, index: 0 }) !== null) return;
    const tokens = shownFrom(this.tokens, { reply, index: 0 }, notebook.replies);
    const [first] = tokens;
    if (first === undefined) return;
    await this.#begin({ position: first.from, replaces: { tokens, from: { turn: reply.id, index: 0 } } });
  }

  /** Takes another token in the place of one, and generates what follows it in its reply anew. */
  async branch(token: NotebookToken, id: number): Promise<void> {
    if (this.branchBlocked(token) !== null) return;
    const { reply, index, from } = token;
    const { replies = [] } = this.#parts.notebooks.current ?? {};
    const tokens = shownFrom(this.tokens, token, replies);
    await this.#begin({ position: from, firstToken: id, replaces: { tokens, from: { turn: reply.id, index } } });
  }

  /**
   * Puts another version in the place of the shown one, in one step of undo.
   * @returns where it ends in the text; null if it was not possible
   */
  showVersion(fork: Fork, version: Reply): number | null {
    const { place, shown } = fork;
    const notebook = this.#parts.notebooks.current;
    if (notebook === null || this.busy || this.pagingBlocked(fork) !== null) return null;
    const old = shownFrom(this.tokens, { reply: shown, index: firstTokenOf(shown, place) }, notebook.replies);
    const [first] = old;
    if (first === undefined) return null;
    let at = first.from;
    notebook.beginStep();
    notebook.edit(GENERATED, (text) => {
      removeTokens(text, old);
      for (let index = firstTokenOf(version, place); index < version.count; index++) {
        at += insertToken(text, at, version, index);
      }
    });
    notebook.endStep();
    return at;
  }

  /** What repeats a reply of the open notebook, or the reason why it cannot be repeated. @throws EngineError */
  async findRun(reply: Reply): Promise<StoredRun | string> {
    await this.#hashing;
    const recorded = await recordedGeneration(await this.#recordedParts(reply));
    return typeof recorded === 'string' ? recorded : recorded.run;
  }

  /** How the tokens of a reply of the open notebook were drawn. @throws EngineError */
  async drawsOf(reply: Reply): Promise<DrawSource> {
    return await generationDraws(await this.#recordedParts(reply));
  }

  /** What is recomputed of a reply of the open notebook, with the text that is before it then. */
  recomputedOf(reply: Reply): RecomputedTokens {
    const known = this.#recomputed.get(reply);
    if (known !== undefined) return known;
    const made = new RecomputedTokens(reply, this.#parts.engine, {
      promptWith: async (end) => await generationPrompt(await this.#recordedParts(reply), end),
      // The text before it may be too long by now. `promptWith` leaves out its beginning.
      draws: async () => await this.drawsOf(reply).catch(() => null),
    });
    this.#recomputed.set(reply, made);
    return made;
  }

  /** Generated text counts as typed: it is no longer marked. Its probabilities stay. */
  accept(): void {
    const notebook = this.#parts.notebooks.current;
    if (notebook === null || this.busy) return;
    const marked = tokensOf(notebook).filter(({ kept }) => !kept);
    notebook.beginStep();
    notebook.edit(TYPED, (text) => {
      for (const { from, to } of marked) text.format(from, to - from, { [KEPT]: true });
    });
    notebook.endStep();
  }

  /** Undoes the last step: what was typed since a pause, or one generation, which is stopped first. */
  async undo(): Promise<void> {
    const { current } = this.#parts.notebooks;
    if (!(await this.#settle(current))) current?.undoManager.undo();
  }

  async redo(): Promise<void> {
    const { current } = this.#parts.notebooks;
    await this.#settle(current);
    current?.undoManager.redo();
  }

  /** Stops the running reply. Its text is kept. */
  stop(): void {
    this.#running?.abort.abort();
  }

  /** Ends the reply of a notebook that is about to be deleted. */
  async leave(id: string): Promise<void> {
    if (this.writingId === id) await this.#stopAndWait();
  }

  /** Stops what is generated in a notebook. @returns whether it has undone itself */
  async #settle(notebook: NotebookDocument | null): Promise<boolean> {
    return notebook !== null && this.#running?.notebook === notebook && (await this.#stopAndWait());
  }

  async #stopAndWait(): Promise<boolean> {
    this.stop();
    return await this.#done;
  }

  async #begin(start: Start): Promise<void> {
    const notebook = this.#parts.notebooks.current;
    if (notebook === null || this.busy || this.blocked !== null) return;
    this.#done = this.#run(notebook, start);
    await this.#done;
  }

  /** @returns whether it has undone itself */
  async #run(notebook: NotebookDocument, { position, firstToken, replaces }: Start): Promise<boolean> {
    const { engine, modelSettings, settings, notebooks, recorder } = this.#parts;
    notebook.beginStep();
    notebook.edit(GENERATED, (text) => removeTokens(text, replaces?.tokens ?? []));
    const reply = notebook.addReply(
      newReplyFacts({
        ...{ sampling: modelSettings.sampling, ...modelFacts(engine.model) },
        executor: engine.model?.executor ?? 'reference',
        ...(replaces === undefined ? {} : { branch: replaces.from }),
      }),
    );
    const abort = new AbortController();
    this.#running = { notebook, reply, abort };
    const following = notebooks.follow(notebook, reply);
    const place = notebook.placeAt(position);
    let inserted = 0;
    const insert = () => {
      let at = notebook.indexOf(place);
      notebook.edit(GENERATED, (text) => {
        for (; inserted < reply.count; inserted++) at += insertToken(text, at, reply, inserted);
      });
      following.grew();
    };
    reply.begin({});
    const requestedAt = now();
    let isUndone: boolean;
    try {
      const [api, versions] = await Promise.all([engine.ready(abort.signal), recorder.versions()]);
      const { model } = engine;
      if (model === null) throw new EngineError('NO_MODEL', 'No model is loaded.');
      // Another model may have been loaded meanwhile.
      const { sampling, stop } = modelSettings;
      reply.note({ ...modelFacts(model), executor: model.executor, sampling });
      const { whenFull, useKvCache } = settings.current;
      // Another page may have written before it meanwhile.
      const at = notebook.indexOf(place);
      const { question, leftOut } = await questionAt({
        ...{ notebook, position: at, engine: api, model, whenFull, maxTokens: stop.maxTokens, signal: abort.signal },
      });
      this.#leftOut = { reply, tokens: leftOut };
      const params: GenerateParams = {
        ...question,
        ...{ sampling, stop, useKvCache, topCandidates: CANDIDATES },
        ...(firstToken === undefined ? {} : { firstToken }),
      };
      await writeReply(reply, {
        ...{ engine: api, params, signal: abort.signal, frame: this.#frame },
        onStart: (start) => {
          recorder.noteStart(reply, { params, requestedAt, versions }, start, notebookRunFacts);
          notebook.noteReply(reply);
        },
        onTokens: insert,
        stopOf: (stopped) => stopped,
      });
    } catch (thrown) {
      reply.failed(stopAfter(EngineError.from(thrown), reply));
    } finally {
      following.ended();
      notebook.endStep();
      // Nothing has taken the place of what was removed.
      isUndone = replaces !== undefined && reply.count === 0 && reply.stop?.reason !== 'eos';
      if (isUndone) notebook.takeBackStep();
      this.#running = null;
      this.#parts.totals.add(reply);
    }
    this.#hashing = this.#noteFiles(notebook, reply);
    return isUndone;
  }

  async #noteFiles(notebook: NotebookDocument, reply: Reply): Promise<void> {
    const noted = await this.#parts.recorder.noteFiles([reply]);
    if (noted.length > 0) notebook.noteReply(reply);
  }

  async #recordedParts(reply: Reply): Promise<RecordedParts> {
    const { notebooks, engine } = this.#parts;
    const notebook = notebooks.current;
    const api = await engine.ready();
    if (notebook === null || engine.model === null) throw new EngineError('NO_MODEL', 'No model is loaded.');
    return { notebook, reply, engine: api, model: engine.model };
  }

  /** The reply that context use and rate are taken from. */
  get #measured(): Reply | null {
    const { model } = this.#parts.engine;
    const reply = this.running ?? this.#parts.notebooks.current?.lastReply ?? null;
    return reply !== null && model !== null && reply.facts.modelId === model.id ? reply : null;
  }
}

function tokensOf(notebook: NotebookDocument): NotebookToken[] {
  return tokensInRuns(notebook.runs(), (id) => notebook.reply(id));
}
