import type { PromptInput } from '../../../../src-main/engine/api/types.ts';
import { nextFrame } from '../../../lib/next-frame.ts';
import { ChatFigures } from './chat-figures.svelte.ts';
import type { ChatDocument, ChatTurn } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import type { GrammarCheck } from '../grammar/grammar-check.svelte.ts';
import type { SpeedMeasurements } from './measurements.svelte.ts';
import { MessageQueue } from './message-queue.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import { ReplyRequest } from './reply-request.ts';
import { ReplyRunner } from './reply-runner.svelte.ts';
import type { Reply } from './reply.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';
import type { StopRequest } from './stop-request.svelte.ts';
import { titleFrom } from './title.ts';

/** What a person does in the open chat: send, wait, stop, answer again, continue. */
export class ChatSession {
  /** What is being written in the composer; outlives a look at another view. */
  draft = $state('');
  /** How full the window is and how fast the model, as the open chat tells. */
  readonly figures: ChatFigures;
  /** The model that is being loaded to answer a message of the open chat. */
  #loading = $state.raw<{ readonly chat: ChatDocument; readonly name: string } | null>(null);
  /** A chat that is going to be deleted: nothing more is sent in it. */
  #leaving: string | null = null;

  readonly #queue = new MessageQueue();
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
    /** Gathers tokens until the next picture is drawn; tests give their own. */
    frame?: (callback: () => void) => void;
  }) {
    const { chats, engine, frame = nextFrame } = parts;
    this.#chats = chats;
    this.#engine = engine;
    this.#grammarCheck = parts.grammarCheck;
    this.#frame = frame;
    this.#request = new ReplyRequest(parts);
    const runner = new ReplyRunner({ chats, engine, request: this.#request, frame });
    this.#runner = runner;
    this.figures = new ChatFigures({ chats, engine, running: () => runner.running?.reply ?? null });
  }

  /** A reply is being written, in whatever chat. */
  get busy(): boolean {
    return this.#runner.running !== null;
  }

  /** The chat in which it is written. */
  get writingId(): string | null {
    return this.#runner.running?.chat.id ?? null;
  }

  /** The reply that is being written in the open chat. */
  get running(): Reply | null {
    const { running } = this.#runner;
    return running?.chat === this.#chats.current ? running.reply : null;
  }

  get stopRequest(): StopRequest {
    return this.#runner.stopRequest;
  }

  /** What replies tell about the present model's speed. */
  get measurements(): SpeedMeasurements {
    return this.#runner.measurements;
  }

  /** Messages of the open chat that wait. */
  get queued(): readonly string[] {
    return this.#queue.of(this.#chats.current);
  }

  /** The model that is being loaded to answer the open chat; null: none is. */
  get loadingToAnswer(): string | null {
    return this.#loading?.chat === this.#chats.current ? this.#loading.name : null;
  }

  /** What the model would read if `draft` were sent in the open chat. */
  promptOf(draft: string): PromptInput {
    return this.#request.promptOf(this.#chats.current, draft);
  }

  /** Why no message can be sent now; null: it can. */
  get blocked(): string | null {
    return this.#grammarCheck.blocks;
  }

  /** Sends a message in the open chat, at once or when the running reply has ended. */
  async send(text: string): Promise<void> {
    const chat = this.#chats.current;
    if (text.trim() === '' || this.blocked !== null) return;
    if (this.busy || this.#loading !== null) this.#queue.add(chat, text);
    else await this.#send(chat, text);
  }

  /**
   * Loads another model, then sends a message in the open chat. When the model cannot be loaded the message goes back
   * into the composer.
   * @param load resolves when it is loaded, or could not be
   */
  async loadAndSend(text: string, model: { id: string; name: string }, load: () => Promise<void>): Promise<void> {
    const chat = this.#chats.current;
    if (text.trim() === '' || this.blocked !== null || this.#loading !== null) return;
    this.#queue.add(chat, text);
    this.#loading = { chat, name: model.name };
    try {
      await load();
    } finally {
      this.#loading = null;
    }
    if (this.#engine.status === 'ready' && this.#engine.model?.id === model.id) {
      if (!this.busy) await this.#sendNext();
    } else if (this.#chats.current === chat) {
      this.draft = [...this.#queue.take(chat.id), this.draft].filter((one) => one !== '').join('\n');
    }
  }

  /** Takes the waiting messages of the open chat back, for the composer. */
  takeQueued(): string {
    return this.#queue.take(this.#chats.current.id).join('\n');
  }

  /** Sends what waits in the open chat: after an error it is kept until a person says so. */
  async sendQueued(): Promise<void> {
    if (!this.busy) await this.#sendNext(this.#chats.current);
  }

  /**
   * Stops the running reply. What is written stays.
   * @param to what it is stopped for, for example `load SmolLM2`: it says so, and messages that wait are not sent
   */
  stop(to: string | null = null): void {
    this.#runner.stop(to);
  }

  /** Has done with a chat that is going to be deleted: drops what waits in it and ends its reply. */
  async leave(id: string): Promise<void> {
    this.#leaving = id;
    while (this.writingId === id) {
      this.stop();
      await new Promise<void>((resolve) => this.#frame(resolve));
    }
    this.#queue.take(id);
    this.#leaving = null;
  }

  /** Answers the last turn of the open chat again. The replies before stay. */
  async regenerate(): Promise<void> {
    const chat = this.#chats.current;
    const reply = chat.lastReply;
    if (this.busy || reply === null) return;
    await this.#answer(chat, chat.addReply(this.#newFacts(), reply.parent));
  }

  /** Continues the last reply of the open chat. */
  async continueReply(): Promise<void> {
    const chat = this.#chats.current;
    const reply = chat.lastReply;
    if (this.busy || reply === null) return;
    await this.#answer(chat, reply);
  }

  /** Shows another version of a turn; what follows builds on it. */
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

  async #answer(chat: ChatDocument, reply: Reply): Promise<void> {
    if (await this.#runner.run(chat, reply)) await this.#sendNext();
  }

  async #sendNext(chat?: ChatDocument): Promise<void> {
    if (this.#leaving !== null) this.#queue.take(this.#leaving);
    const next = this.#queue.next(chat);
    if (next !== null) await this.#send(next.chat, next.text);
  }
}
