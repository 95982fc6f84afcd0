import type { GenerateParams, PromptInput } from '../../../../src-main/engine/api/types.ts';
import { nextFrame } from '../../../lib/next-frame.ts';
import { ChatFigures } from './chat-figures.svelte.ts';
import type { ChatDocument, ChatTurn } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import { Drafts } from './drafts.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import type { GrammarCheck } from '../grammar/grammar-check.svelte.ts';
import type { SpeedMeasurements } from './measurements.svelte.ts';
import { MessageQueue } from './message-queue.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import type { RunRecorder } from '../receipts/run-recorder.ts';
import { RecomputedTokens } from './recomputed-tokens.svelte.ts';
import { ReplyRequest } from './reply-request.ts';
import { ReplyRunner, type RunOptions } from './reply-runner.svelte.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import type { Reply } from './reply.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';
import type { StopRequest } from './stop-request.svelte.ts';
import { TurnActions } from './turn-actions.svelte.ts';
import { replyDraws } from './reply-draws.ts';
import { titleFrom } from './title.ts';

/** Key of the draft of a chat without turns. */
const NEW_CHAT = 'new';

/** User actions in the open chat: send, queue, stop, regenerate, continue. */
export class ChatSession {
  /** Editing, deleting and regenerating any turn. */
  readonly turns: TurnActions;
  /** Context use and rate, from the open chat. */
  readonly figures: ChatFigures;
  /** The model that is being loaded to answer a message of the open chat. */
  #loading = $state.raw<{ readonly chat: ChatDocument; readonly name: string } | null>(null);
  /** A chat that is about to be deleted: nothing more is sent in it. */
  #leaving: string | null = null;

  readonly #drafts: Drafts;
  readonly #queue = new MessageQueue();
  readonly #recomputed = new WeakMap<Reply, RecomputedTokens>();
  readonly #runner: ReplyRunner;
  readonly #request: ReplyRequest;
  readonly #chats: ChatsState;
  readonly #engine: EngineState;
  readonly #grammarCheck: Pick<GrammarCheck, 'blocks'>;
  readonly #frame: (callback: () => void) => void;

  constructor(parts: {
    chats: ChatsState;
    engine: EngineState;
    settings: SettingsState;
    modelSettings: ModelSettingsState;
    grammarCheck: Pick<GrammarCheck, 'blocks'>;
    /** Collects tokens until the next animation frame; tests provide their own. */
    frame?: (callback: () => void) => void;
    recorder: RunRecorder;
    /** Keeps drafts over a restart. Default: they last as long as the page. */
    drafts?: Drafts;
  }) {
    const { chats, engine, recorder, frame = nextFrame } = parts;
    this.#chats = chats;
    this.#drafts = parts.drafts ?? new Drafts(null);
    this.#engine = engine;
    this.#grammarCheck = parts.grammarCheck;
    this.#frame = frame;
    this.#request = new ReplyRequest(parts);
    const runner = new ReplyRunner({ chats, engine, request: this.#request, frame, recorder });
    this.#runner = runner;
    this.turns = new TurnActions({
      chats,
      busy: () => this.busy || this.#loading !== null || this.blocked !== null,
      newFacts: () => this.#newFacts(),
      answer: async (chat, reply, sampling) => await this.#answer(chat, reply, { sampling }),
      stopIf: async (isWanted) => await this.#stopWhile(({ chat, reply }) => isWanted(chat, reply)),
    });
    this.figures = new ChatFigures({ chats, engine, running: () => runner.running?.reply ?? null });
  }

  /** Text in the composer: each chat has its own. */
  get draft(): string {
    return this.#drafts.get(this.#chats.currentId ?? NEW_CHAT);
  }
  set draft(text: string) {
    this.#drafts.set(this.#chats.currentId ?? NEW_CHAT, text);
  }

  /** A reply is being generated, in any chat. */
  get busy(): boolean {
    return this.#runner.running !== null;
  }

  /** The chat of the running reply. */
  get writingId(): string | null {
    return this.#runner.running?.chat.id ?? null;
  }

  /** See `ReplyRunner.hashing`. */
  get hashing(): Promise<void> {
    return this.#runner.hashing;
  }

  /** The running reply of the open chat. */
  get running(): Reply | null {
    const { running } = this.#runner;
    return running?.chat === this.#chats.current ? running.reply : null;
  }

  get stopRequest(): StopRequest {
    return this.#runner.stopRequest;
  }

  /** The current model's speed, measured from replies. */
  get measurements(): SpeedMeasurements {
    return this.#runner.measurements;
  }

  /** Queued messages of the open chat. */
  get queued(): readonly string[] {
    return this.#queue.of(this.#chats.current);
  }

  /** The model that is being loaded to answer in the open chat, or null. */
  get loadingToAnswer(): string | null {
    return this.#loading?.chat === this.#chats.current ? this.#loading.name : null;
  }

  /** The prompt if `draft` were sent in the open chat. */
  promptOf(draft: string): PromptInput {
    return this.#request.promptOf(this.#chats.current, draft);
  }

  /** Where K and V of the open chat are stored. */
  get storedPrefix(): Pick<GenerateParams, 'storePrefixFor'> {
    return this.#request.storedPrefix(this.#chats.current);
  }

  /** A reply of the open chat whose draws can be explained. */
  drawsOf(reply: Reply): DrawSource {
    const chat = this.#chats.current;
    const asked = chat.path[chat.path.indexOf(reply) - 1];
    return replyDraws(reply, asked?.role === 'user' ? asked.text : '', (index) =>
      this.#request.drawOf(chat, reply, index),
    );
  }

  /** Why no message can be sent now, or null. */
  get blocked(): string | null {
    return this.#grammarCheck.blocks;
  }

  /** Sends a message in the open chat, now or when the running reply ends. */
  async send(text: string): Promise<void> {
    const chat = this.#chats.current;
    if (text.trim() === '' || this.blocked !== null) return;
    if (this.busy || this.#loading !== null) this.#queue.add(chat, text);
    else await this.#send(chat, text);
  }

  /**
   * Loads another model, then sends a message in the open chat. If loading fails, the message returns to the composer.
   * @param load resolves when the model is loaded or loading failed
   */
  async loadAndSend(text: string, model: { id: string; name: string }, load: () => Promise<void>): Promise<void> {
    const chat = this.#chats.current;
    if (text.trim() === '' || this.blocked !== null || this.#loading !== null) return;
    this.#queue.add(chat, text);
    await this.#load(chat, model.name, load);
    if (this.#engine.status === 'ready' && this.#engine.model?.id === model.id) {
      if (!this.busy) await this.#sendNext();
    } else if (this.#chats.current === chat) {
      this.draft = [...this.#queue.take(chat.id), this.draft].filter((one) => one !== '').join('\n');
    }
  }

  /** Removes the queued messages of the open chat and returns them, for the composer. */
  takeQueued(): string {
    return this.#queue.take(this.#chats.current.id).join('\n');
  }

  /** Sends the queued messages of the open chat, which stay queued after an error. */
  async sendQueued(): Promise<void> {
    if (!this.busy) await this.#sendNext(this.#chats.current);
  }

  /**
   * Stops the running reply. Its text so far is kept.
   * @param to why, for example `load SmolLM2`: the reply reports it, and queued messages are not sent
   */
  stop(to: string | null = null): void {
    this.#runner.stop(to);
  }

  /** Prepares a chat for deletion: drops its queued messages and ends its reply. */
  async leave(id: string): Promise<void> {
    this.#leaving = id;
    await this.#stopWhile(({ chat }) => chat.id === id);
    this.#queue.take(id);
    this.#leaving = null;
  }

  /** Generates a new version of the last reply of the open chat. */
  async regenerate(): Promise<void> {
    const reply = this.#chats.current.lastReply;
    if (reply !== null) await this.turns.regenerate(reply);
  }

  /**
   * Loads another model, then generates another version of a reply of the open chat.
   * @param load resolves when the model is loaded or loading failed
   */
  async regenerateWith(reply: Reply, model: { id: string; name: string }, load: () => Promise<void>): Promise<void> {
    const chat = this.#chats.current;
    if (this.busy || this.#loading !== null || this.blocked !== null) return;
    await this.#load(chat, model.name, load);
    if (this.busy || this.#engine.status !== 'ready' || this.#engine.model?.id !== model.id) return;
    await this.#answer(chat, chat.addReply(this.#newFacts(), reply.parent));
  }

  /** Continues the last reply of the open chat. */
  async continueReply(): Promise<void> {
    const chat = this.#chats.current;
    const reply = chat.lastReply;
    if (this.busy || reply === null) return;
    await this.#answer(chat, reply);
  }

  /**
   * Generates a version of a reply in the open chat that has another token at `index`, and continues from there.
   * @param id the token to take; its own one keeps it, and only what follows is generated again
   */
  async branch(reply: Reply, index: number, id: number): Promise<void> {
    const chat = this.#chats.current;
    if (this.busy || !chat.path.includes(reply)) return;
    await this.#answer(chat, chat.addBranch(this.#newFacts(), reply, index), {
      branch: { from: reply, index, id },
    });
  }

  /** What is recomputed of a reply in the open chat. */
  recomputedOf(reply: Reply): RecomputedTokens {
    const chat = this.#chats.current;
    const known = this.#recomputed.get(reply);
    if (known !== undefined) return known;
    const made = new RecomputedTokens(reply, this.#engine, (end, engine) =>
      this.#request.promptWith(chat, reply, { from: reply, end }, engine),
    );
    this.#recomputed.set(reply, made);
    return made;
  }

  /** Shows another version of a turn. Later turns continue from it. */
  showVersion(turn: ChatTurn, version: number): void {
    this.#chats.current.showVersion(turn, version);
  }

  async #send(chat: ChatDocument, text: string): Promise<void> {
    if (chat.isEmpty) chat.title = titleFrom(text);
    chat.addUserTurn(text);
    await this.#answer(chat, chat.addReply(this.#newFacts()));
  }

  #newFacts(): Reply['facts'] {
    return this.#request.newFacts(this.#engine.model);
  }

  async #load(chat: ChatDocument, name: string, load: () => Promise<void>): Promise<void> {
    this.#loading = { chat, name };
    try {
      await load();
    } finally {
      this.#loading = null;
    }
  }

  /** Stops the running reply and waits for its end, if it is a certain one. */
  async #stopWhile(isWanted: (running: { chat: ChatDocument; reply: Reply }) => boolean): Promise<void> {
    for (let { running } = this.#runner; running !== null && isWanted(running); running = this.#runner.running) {
      this.stop();
      await new Promise<void>((resolve) => this.#frame(resolve));
    }
  }

  async #answer(chat: ChatDocument, reply: Reply, how: RunOptions = {}): Promise<void> {
    if (await this.#runner.run(chat, reply, how)) await this.#sendNext();
  }

  async #sendNext(chat?: ChatDocument): Promise<void> {
    if (this.#leaving !== null) this.#queue.take(this.#leaving);
    const next = this.#queue.next(chat);
    if (next !== null) await this.#send(next.chat, next.text);
  }
}
