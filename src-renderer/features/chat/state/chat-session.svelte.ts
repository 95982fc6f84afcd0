import { SvelteSet } from 'svelte/reactivity';
import type { GenerateParams, PromptInput, WhenFull } from '../../../../src-main/engine/api/types.ts';
import { pacedFrame, type PacedFrame } from '../../../lib/paced-frames.ts';
import { hasAutomaticTitle, titleOfMessage } from './automatic-title.ts';
import { ChatFigures } from './chat-figures.svelte.ts';
import type { ChatDocument, ChatTurn } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { AttachmentDrafts } from '../attachments/attachment-drafts.svelte.ts';
import { messageFrom, refusalOf, type AttachedFile } from '../attachments/message-text.ts';
import { Drafts } from './drafts.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import type { GrammarCheck } from '../grammar/grammar-check.svelte.ts';
import type { SpeedMeasurements } from './measurements.svelte.ts';
import { MessageDrafts } from './message-drafts.svelte.ts';
import { MessageQueue, type Message, type Outgoing } from './message-queue.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import type { SessionTotals } from '../rates/session-totals.svelte.ts';
import type { RunRecorder } from '../receipts/run-recorder.ts';
import { RecomputedTokens } from './recomputed-tokens.svelte.ts';
import { ReplyRequest } from './reply-request.ts';
import { ReplyRunner, type RunOptions } from './reply-runner.svelte.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import type { Reply } from './reply.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';
import type { StopRequest } from './stop-request.svelte.ts';
import { TurnActions } from './turn-actions.svelte.ts';

/** User actions in the open chat: send, queue, stop, regenerate, continue. */
export class ChatSession {
  /** Editing, deleting and regenerating any turn. */
  readonly turns: TurnActions;
  /** Context use and rate, from the open chat. */
  readonly figures: ChatFigures;
  /** Messages that are not sent yet. */
  readonly drafts: MessageDrafts;
  /** Why the engine cannot be asked for replies now, or null; set by the shell. */
  unavailable: () => string | null = () => null;
  /** The model that is being loaded to answer in a chat. */
  #loading = $state.raw<{ readonly chat: ChatDocument; readonly name: string } | null>(null);
  /** Chats that are being deleted, or were: nothing more is generated in them. */
  readonly #leaving = new SvelteSet<string>();
  /** Chats with a turn that is being deleted: their queued messages wait. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #held = new Set<ChatDocument>();
  readonly #queue = new MessageQueue();
  readonly #recomputed = new WeakMap<Reply, RecomputedTokens>();
  readonly #runner: ReplyRunner;
  readonly #request: ReplyRequest;
  readonly #chats: ChatsState;
  readonly #engine: EngineState;
  readonly #grammarCheck: Pick<GrammarCheck, 'blocks'>;
  readonly #frame: (callback: () => void) => void;
  readonly #fits: ((prompt: PromptInput) => Promise<boolean>) | null;
  /** Chats with a message that is being measured. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- nothing on screen depends on it
  readonly #measuring = new Set<ChatDocument>();
  /** The message that is being measured. If it fits, it is sent. */
  #checked = $state.raw<Message | null>(null);

  constructor(parts: {
    chats: ChatsState;
    engine: EngineState;
    settings: SettingsState;
    modelSettings: ModelSettingsState;
    grammarCheck: Pick<GrammarCheck, 'blocks'>;
    /** Collects tokens until the next animation frame; tests provide their own. */
    frame?: PacedFrame;
    recorder: RunRecorder;
    /** Whether a prompt fits into the context window. Default: the engine says so when it is sent. */
    fits?: (prompt: PromptInput) => Promise<boolean>;
    /** Keeps drafts over a restart. Default: they last as long as the page. */
    drafts?: Drafts;
  }) {
    const { chats, engine, recorder, frame = pacedFrame } = parts;
    this.#chats = chats;
    this.drafts = new MessageDrafts(chats, parts.drafts ?? new Drafts(null));
    this.#engine = engine;
    this.#grammarCheck = parts.grammarCheck;
    this.#frame = frame;
    this.#fits = parts.fits ?? null;
    chats.isNeeded = (chat) => this.#queue.has(chat) || this.#measuring.has(chat) || this.#loading?.chat === chat;
    this.#request = new ReplyRequest(parts);
    this.#runner = new ReplyRunner({ chats, engine, request: this.#request, frame, recorder });
    this.turns = new TurnActions({
      chats,
      waits: () => this.#waits(chats.current),
      newFacts: () => this.#newFacts(),
      fits: async (chat, text, turn) => await this.#canFit(chat, this.#request.promptOf(chat, text, turn)),
      isLeaving: (chat) => this.#leaving.has(chat.id),
      load: async (chat, { id, name }, load) =>
        (await this.loadFor(chat, name, load)) && engine.status === 'ready' && engine.model?.id === id,
      answer: async (chat, reply, sampling) => await this.#answer(chat, reply, { sampling }),
      stopFor: async (chat, isWanted) => await this.#stopFor(chat, isWanted),
    });
    this.figures = new ChatFigures({ chats, engine, running: () => this.#runner.running?.reply ?? null });
  }

  /** Text in the composer: each chat has its own. */
  get draft(): string {
    return this.drafts.text;
  }
  set draft(text: string) {
    this.drafts.text = text;
  }

  /** Files of messages that are not sent yet. */
  get attachments(): AttachmentDrafts {
    return this.drafts.attachments;
  }

  /** Whether the composer has something to send. */
  get hasDraft(): boolean {
    return this.draft.trim() !== '' || this.attachments.files.length > 0;
  }

  /** Takes the message out of the composer. */
  takeDraft(): Outgoing {
    return this.drafts.take();
  }

  /** A reply is being generated, in any chat. */
  get busy(): boolean {
    return this.#runner.running !== null;
  }

  /** A message is about to be sent, in any chat. */
  get checking(): boolean {
    return this.#checked !== null;
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

  /** Rates of all replies since the page was opened. */
  get totals(): SessionTotals {
    return this.#runner.totals;
  }

  /** Queued messages of the open chat. */
  get queued(): readonly string[] {
    const { current } = this.#chats;
    return this.#leaving.has(current.id) ? [] : this.#queue.of(current);
  }

  /** The model that is being loaded to answer in a chat, or null. */
  get loadingToAnswer(): string | null {
    return this.#loading?.name ?? null;
  }

  /** What happens in the open chat when the context window is full. */
  get whenFull(): WhenFull {
    return this.#request.whenFull(this.#chats.current);
  }

  /** The prompt if `draft` were sent in the open chat, with the attached files. */
  promptOf(draft: string): PromptInput {
    return this.#request.promptOf(this.#chats.current, messageFrom(draft, this.attachments.files).text);
  }

  /** The prompt if exactly this message were sent in a chat. */
  promptIn(chat: ChatDocument, message: string): PromptInput {
    return this.#request.promptOf(chat, message);
  }

  /** Where K and V of the open chat are stored. */
  get storedPrefix(): Pick<GenerateParams, 'storePrefixFor'> {
    return this.#request.storedPrefix(this.#chats.current);
  }

  /** A reply of the open chat whose draws can be explained. */
  drawsOf(reply: Reply): DrawSource {
    return this.#request.drawsOf(this.#chats.current, reply);
  }

  /** Why no message can be sent now, or null. */
  get blocked(): string | null {
    return this.unavailable() ?? this.#grammarCheck.blocks;
  }

  /** Sends a message in the open chat, now or when the running reply ends. */
  async send(text: string, files: readonly AttachedFile[] = []): Promise<void> {
    const chat = this.#chats.current;
    if ((text.trim() === '' && files.length === 0) || this.blocked !== null) return;
    if (this.checking || this.#waits(chat)) this.#queue.add(chat, { text, files });
    else await this.#send(chat, { text, files });
  }

  /**
   * Loads another model, then sends a message in the open chat. If loading fails, or another model is being loaded, the
   * message returns to the composer.
   * @param load resolves when the model is loaded or loading failed
   */
  async loadAndSend(
    text: string,
    model: { id: string; name: string },
    load: () => Promise<void>,
    files: readonly AttachedFile[] = [],
  ): Promise<void> {
    const chat = this.#chats.current;
    if ((text.trim() === '' && files.length === 0) || this.blocked !== null) return;
    if (this.#loading !== null || this.#leaving.has(chat.id)) return this.#giveBack(chat, { text, files });
    this.#queue.add(chat, { text, files });
    await this.loadFor(chat, model.name, load);
    if (this.#engine.status === 'ready' && this.#engine.model?.id === model.id) {
      await this.#sendNext(chat);
    } else if (this.#chats.current === chat) {
      this.takeBack();
    }
  }

  /** Returns the queued messages of the open chat to the composer. */
  takeBack(): void {
    this.drafts.putBack(this.#queue.take(this.#chats.current.id));
  }

  /** The page is closing: waiting messages become drafts, whose texts are stored, except those of deleted chats. */
  keepQueued(): void {
    const waiting = [...(this.#checked === null ? [] : [this.#checked]), ...this.#queue.takeAll()];
    this.#checked = null;
    this.drafts.putBack(waiting.filter(({ chat }) => !this.#leaving.has(chat.id)));
  }

  /** Sends queued messages, which stay queued after an error. @param chat default: the open one; null: any chat */
  async sendQueued(chat: ChatDocument | null = this.#chats.current): Promise<void> {
    await this.#sendNext(chat ?? undefined);
  }

  /**
   * Stops the running reply. Its text so far is kept.
   * @param to why, for example `load SmolLM2`: the reply reports it, and queued messages are not sent
   */
  stop(to: string | null = null): void {
    this.#runner.stop(to);
  }

  /**
   * Prepares a chat for deletion: ends its reply. Nothing more is generated in it, and its queued messages wait.
   * @returns undoes that, for a chat that could not be deleted, or was restored. The messages return to its composer
   */
  async leave(id: string): Promise<() => void> {
    this.#leaving.add(id);
    if (this.#loading?.chat.id === id) this.#loading = null;
    await this.#stopWhile(({ chat }) => chat.id === id);
    while ([...this.#measuring].some((chat) => chat.id === id)) await this.#nextFrame();
    return () => {
      this.#leaving.delete(id);
      this.drafts.putBack(this.#queue.take(id));
    };
  }

  /**
   * Loads a model to answer in a chat, which stays open meanwhile. Nothing else is generated.
   * @returns whether the chat is still there
   */
  async loadFor(chat: ChatDocument, name: string, load: () => Promise<void>): Promise<boolean> {
    const loading = { chat, name };
    this.#loading = loading;
    try {
      await load();
      return this.#loading === loading;
    } finally {
      if (this.#loading === loading) this.#loading = null;
    }
  }

  /** Generates a new version of the last reply of the open chat. */
  async regenerate(): Promise<void> {
    const reply = this.#chats.current.lastReply;
    if (reply !== null) await this.turns.regenerate(reply);
  }

  /** Continues the last reply of the open chat. */
  async continueReply(): Promise<void> {
    const chat = this.#chats.current;
    const reply = chat.lastReply;
    if (this.#waits(chat) || reply === null || reply.elsewhere) return;
    await this.#answer(chat, reply);
  }

  /**
   * Continues a reply, or generates one again that has no text.
   * @param how for this run only @param chat default: the open one
   */
  async proceed(
    reply: Reply,
    how: Pick<RunOptions, 'whenFull' | 'sampling'> = {},
    chat = this.#chats.current,
  ): Promise<void> {
    if (this.#waits(chat)) return;
    if (reply.elsewhere || !chat.path.includes(reply)) return;
    const target = reply.text === '' ? chat.addReply(this.#newFacts(), reply.parent) : reply;
    await this.#answer(chat, target, how);
  }

  /**
   * Generates a version of a reply in the open chat that has another token at `index`, and continues from there.
   * @param id the token to take; its own one keeps it, and only what follows is generated again
   */
  async branch(reply: Reply, index: number, id: number): Promise<void> {
    const chat = this.#chats.current;
    if (this.#waits(chat) || !chat.path.includes(reply)) return;
    await this.#answer(chat, chat.addBranch(this.#newFacts(), reply, index), {
      branch: { from: reply, index, id },
    });
  }

  /** What is recomputed of a reply in the open chat. */
  recomputedOf(reply: Reply): RecomputedTokens {
    const chat = this.#chats.current;
    const known = this.#recomputed.get(reply);
    if (known !== undefined) return known;
    const made = new RecomputedTokens(reply, this.#engine, {
      promptWith: async (end, engine) => {
        const prompt = await this.#request.promptWith(chat, reply, { from: reply, end }, engine);
        return { prompt, replyTokens: prompt.replyIds?.length ?? 0 };
      },
      draws: () => this.#request.drawsOf(chat, reply),
    });
    this.#recomputed.set(reply, made);
    return made;
  }

  /** Shows another version of a turn. Later turns continue from it. */
  showVersion(turn: ChatTurn, version: number): void {
    this.#chats.current.showVersion(turn, version);
  }

  async #send(chat: ChatDocument, message: Outgoing): Promise<void> {
    const { text: typed, files } = message;
    const { text, attachments } = messageFrom(typed, files);
    const refusal = refusalOf({ text, attachments });
    if (refusal !== null) {
      this.#giveBack(chat, message);
      this.drafts.report(chat, refusal);
      return await this.#sendNext();
    }
    // What cannot fit returns to the composer, which says why.
    const isRefused = this.#fits !== null && !(await this.#check({ chat, ...message }, text));
    if (isRefused || this.#leaving.has(chat.id)) {
      this.#giveBack(chat, message);
      return await this.#sendNext();
    }
    // A reply was regenerated meanwhile, for example.
    if (this.#waits(chat)) return this.#queue.putBack(chat, message);
    if (chat.isEmpty && hasAutomaticTitle(chat)) chat.title = titleOfMessage(typed, files);
    this.drafts.keepWith(chat, () => chat.addUserTurn(text, chat.head, attachments));
    await this.#answer(chat, chat.addReply(this.#newFacts()));
  }

  /** @returns whether a message can be sent */
  async #check(message: Message, text: string): Promise<boolean> {
    this.#checked = message;
    try {
      return await this.#canFit(message.chat, this.#request.promptOf(message.chat, text));
    } finally {
      this.#checked = null;
    }
  }

  /** Nothing can be generated in a chat now. */
  #waits({ id }: ChatDocument): boolean {
    return this.busy || this.#loading !== null || this.blocked !== null || this.#leaving.has(id);
  }

  async #canFit(chat: ChatDocument, prompt: PromptInput): Promise<boolean> {
    if (this.#fits === null) return true;
    this.#measuring.add(chat);
    try {
      return await this.#fits(prompt);
    } finally {
      this.#measuring.delete(chat);
    }
  }

  /** Returns a message to the composer, with what was queued after it. */
  #giveBack(chat: ChatDocument, message: Outgoing): void {
    this.drafts.putBack([{ chat, ...message }, ...this.#queue.take(chat.id)]);
  }

  #newFacts(): Reply['facts'] {
    return this.#request.newFacts(this.#engine.model);
  }

  /** Stops the running reply if it is deleted with a turn of `chat`. Messages queued there wait until a person sends them. */
  async #stopFor(chat: ChatDocument, isWanted: (reply: Reply) => boolean): Promise<void> {
    this.#held.add(chat);
    try {
      await this.#stopWhile((running) => running.chat === chat && isWanted(running.reply));
    } finally {
      this.#held.delete(chat);
    }
  }

  /** Stops the running reply and waits for its end, if it is a certain one. */
  async #stopWhile(isWanted: (running: { chat: ChatDocument; reply: Reply }) => boolean): Promise<void> {
    for (let { running } = this.#runner; running !== null && isWanted(running); running = this.#runner.running) {
      this.stop();
      await this.#nextFrame();
    }
  }

  #nextFrame(): Promise<void> {
    return new Promise((resolve) => this.#frame(resolve));
  }

  async #answer(chat: ChatDocument, reply: Reply, how: RunOptions = {}): Promise<void> {
    if (await this.#runner.run(chat, reply, how)) await this.#sendNext();
  }

  /** Sends the oldest queued message, if any can be sent now. @param chat default: of any chat */
  async #sendNext(chat?: ChatDocument): Promise<void> {
    if (this.busy || this.checking || this.#loading !== null || this.blocked !== null) return;
    const next = this.#queue.next((one) => (chat ?? one) === one && !this.#held.has(one) && !this.#leaving.has(one.id));
    if (next !== null) await this.#send(next.chat, next);
  }
}
