import { EngineError } from '../../../src-main/engine/errors.ts';
import type { ChatMessage, GenerateParams, ModelInfo, PromptInput, Stop } from '../../../src-main/engine/types.ts';
import type { EngineApi } from '../../../src-main/protocol/api.ts';
import type { ReplyFacts } from '../../../src-main/protocol/chats/chat.ts';
import { nextFrame } from '../../lib/next-frame.ts';
import type { ChatDocument, ChatTurn } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import { contextUse, type ContextUse } from './context-use.ts';
import type { EngineState } from './engine.svelte.ts';
import type { GrammarCheck } from './grammar/grammar-check.svelte.ts';
import { Measurements, type Written } from './measurements.svelte.ts';
import { MessageQueue } from './message-queue.svelte.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import type { Reply } from './reply.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';
import { titleFrom } from './title.ts';
import { stopAfter, writeReply } from './write-reply.ts';

/** Candidates kept with each token. */
const CANDIDATES = 10;
/** Points of the small rate line. */
const RATE_POINTS = 60;
/** An engine that has not answered Stop after this long, ms, is offered to be restarted. It answers within 100 ms. */
const STUCK_AFTER_MS = 2000;

interface Running {
  readonly chat: ChatDocument;
  readonly reply: Reply;
  readonly abort: AbortController;
  /** Why it was stopped, where it was not for its own sake. */
  stoppedTo: string | null;
  /** Messages that wait are not sent when it ends. */
  holdsQueue: boolean;
}

/** Writes replies: one at a time, in whatever chat they belong to. */
export class ChatSession {
  #running = $state.raw<Running | null>(null);
  /** What is being written in the composer; outlives a look at another view. */
  draft = $state('');
  /** The model that is being loaded to answer a message of the open chat. */
  #loading = $state.raw<{ readonly chat: ChatDocument; readonly name: string } | null>(null);
  /** Stop was pressed and the engine has not answered yet. */
  stopping = $state(false);
  /** ... and does not seem to. */
  stuck = $state(false);
  /** A chat that is going to be deleted: nothing more is sent in it. */
  #leaving: string | null = null;
  #stuckTimer: ReturnType<typeof setTimeout> | null = null;

  readonly #queue = new MessageQueue();
  readonly #measurements = new Measurements();
  readonly #chats: ChatsState;
  readonly #engine: EngineState;
  readonly #settings: SettingsState;
  readonly #modelSettings: ModelSettingsState;
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
    this.#chats = parts.chats;
    this.#engine = parts.engine;
    this.#settings = parts.settings;
    this.#modelSettings = parts.modelSettings;
    this.#grammarCheck = parts.grammarCheck;
    this.#frame = parts.frame ?? nextFrame;
  }

  /** A reply is being written, in whatever chat. */
  get busy(): boolean {
    return this.#running !== null;
  }

  /** The chat in which it is written. */
  get writingId(): string | null {
    return this.#running?.chat.id ?? null;
  }

  /** The reply that is being written in the open chat. */
  get running(): Reply | null {
    return this.#running?.chat === this.#chats.current ? this.#running.reply : null;
  }

  /** Messages of the open chat that wait. */
  get queued(): readonly string[] {
    return this.#queue.of(this.#chats.current);
  }

  /** The model that is being loaded to answer the open chat; null: none is. */
  get loadingToAnswer(): string | null {
    return this.#loading?.chat === this.#chats.current ? this.#loading.name : null;
  }

  /** What the KV cache saves with the present model, as measured. */
  get measured(): Measurements['cache'] {
    return this.#measurements.cache;
  }

  /** How full the context window is, for the open chat. */
  get context(): ContextUse {
    return contextUse(this.started, this.#engine.model?.contextSize ?? 0);
  }

  /** The newest reply of the open chat that tells how full the present model's window is; null: none does. */
  get started(): Reply | null {
    const started = this.#chats.current.lastStarted;
    return started !== null && this.#wasWrittenHere(started) ? started : null;
  }

  /** Another model cuts the same text into other tokens, so its count says nothing about this one's window. */
  #wasWrittenHere(reply: Reply): boolean {
    const { model } = this.#engine;
    if (model === null) return false;
    if (reply.facts.modelId !== '') return reply.facts.modelId === model.id;
    return reply.model === '' || reply.model === model.name;
  }

  /** The rate of the reply that is running or was last; null when it had fewer than two tokens. */
  get rate(): { points: readonly number[]; current: number } | null {
    const reply = this.#running?.reply ?? this.#chats.current.lastReply;
    if (reply === null || reply.count < 2 || !this.#wasWrittenHere(reply)) return null;
    const { statistics } = reply;
    const current = reply.running ? statistics.now() : (reply.timings?.decodeTokensPerSecond ?? statistics.average());
    if (current === null) return null;
    return { points: statistics.overTime(RATE_POINTS).map((point) => point.rate), current };
  }

  /** What the model would read if `draft` were sent in the open chat. */
  promptOf(draft: string): PromptInput {
    const chat = this.#chats.current;
    const messages = chat.messages().map(({ message }) => message);
    const isSomething = draft.trim() !== '' || messages.every(({ role }) => role === 'system');
    return this.#prompt(isSomething ? [...messages, { role: 'user', text: draft }] : messages);
  }

  /** @param listener hears of each reply that tells how fast the model is @returns stops */
  onMeasured(listener: (written: Written) => void): () => void {
    return this.#measurements.listen(listener);
  }

  /** Why no message can be sent now; null: it can. */
  get blocked(): string | null {
    return this.#grammarCheck.blocks;
  }

  /** Sends a message in the open chat, at once or when the running reply has ended. */
  async send(text: string): Promise<void> {
    const chat = this.#chats.current;
    if (text.trim() === '' || this.blocked !== null) return;
    if (this.#running !== null || this.#loading !== null) this.#queue.add(chat, text);
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
      if (this.#running === null) await this.#sendNext();
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
    if (this.#running === null) await this.#sendNext(this.#chats.current);
  }

  /**
   * Stops the running reply. What is written stays.
   * @param to what it is stopped for, for example `load SmolLM2`: it says so, and messages that wait are not sent
   */
  stop(to: string | null = null): void {
    const running = this.#running;
    if (running === null) return;
    running.stoppedTo = to;
    if (to !== null) running.holdsQueue = true;
    this.stopping = true;
    this.#stuckTimer ??= setTimeout(() => (this.stuck = true), STUCK_AFTER_MS);
    running.abort.abort();
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
    if (this.#running !== null || reply === null) return;
    await this.#answer(chat, chat.addReply(this.#newFacts(), reply.parent));
  }

  /** Writes on at the end of the open chat's last reply. */
  async continueReply(): Promise<void> {
    const chat = this.#chats.current;
    const reply = chat.lastReply;
    if (this.#running !== null || reply === null) return;
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

  #newFacts(): ReplyFacts {
    return {
      stop: null,
      timings: null,
      seed: 0,
      sampling: this.#modelSettings.sampling,
      ...modelFacts(this.#engine.model),
      executor: this.#engine.model?.executor ?? 'reference',
      notices: [],
      promptTokens: 0,
      systemTokens: 0,
      droppedMessages: 0,
      contextUsed: 0,
      runStart: 0,
    };
  }

  async #sendNext(chat?: ChatDocument): Promise<void> {
    if (this.#leaving !== null) this.#queue.take(this.#leaving);
    const next = this.#queue.next(chat);
    if (next !== null) await this.#send(next.chat, next.text);
  }

  /** Writes `reply`, from its beginning or on from where it ends. */
  async #answer(chat: ChatDocument, reply: Reply): Promise<void> {
    const messages = chat.messages(reply).map(({ message }) => message);
    const soFar = reply.text;
    if (soFar !== '') messages.push({ role: 'assistant', text: soFar });
    const params = { ...this.#params(messages), ...continuationOf(reply) };
    const running: Running = { chat, reply, abort: new AbortController(), stoppedTo: null, holdsQueue: false };
    this.#running = running;
    const following = this.#chats.follow(chat, reply);
    reply.begin({ sampling: params.sampling });
    // Others, and this page after a crash, are to know that it goes on.
    if (soFar !== '') chat.noteReply(reply);
    try {
      const engine = await this.#engine.ready(running.abort.signal);
      this.#noteModel(chat, reply);
      await this.#write(engine, params, running, following);
    } catch (thrown) {
      reply.failed(because(stopAfter(EngineError.from(thrown), reply), running));
    } finally {
      following.ended();
      this.#running = null;
      this.#stopped();
      this.#measurements.note(reply, this.#engine.model, params.useKvCache);
    }
    if (reply.stop?.reason === 'error') running.holdsQueue = true;
    if (!running.holdsQueue) await this.#sendNext();
  }

  async #write(
    engine: EngineApi,
    params: GenerateParams,
    running: Running,
    following: ReturnType<ChatsState['follow']>,
  ): Promise<void> {
    const { chat, reply, abort } = running;
    await writeReply(reply, {
      engine,
      params,
      signal: abort.signal,
      frame: this.#frame,
      onStart: () => chat.noteReply(reply),
      onTokens: () => following.grew(),
      stopOf: (stop) => because(stop, running),
    });
  }

  #noteModel(chat: ChatDocument, reply: Reply): void {
    const { model } = this.#engine;
    if (model === null) return;
    this.#measurements.startWith(model);
    reply.note({ ...modelFacts(model), executor: model.executor });
    if (chat.model.id === '') chat.model = { id: model.id, name: model.name };
  }

  #params(messages: ChatMessage[]): GenerateParams {
    const { sampling, stop } = this.#modelSettings;
    const { useKvCache } = this.#settings.current;
    return { prompt: this.#prompt(messages), sampling, stop, useKvCache, topCandidates: CANDIDATES };
  }

  #prompt(messages: ChatMessage[]): PromptInput {
    const { template, own } = this.#modelSettings;
    const thinking = own.enableThinking === null ? {} : { enableThinking: own.enableThinking };
    return { kind: 'chat', messages, whenFull: this.#settings.current.whenFull, template, ...thinking };
  }

  #stopped(): void {
    if (this.#stuckTimer !== null) clearTimeout(this.#stuckTimer);
    this.#stuckTimer = null;
    this.stopping = false;
    this.stuck = false;
  }
}

function modelFacts(model: ModelInfo | null): Pick<ReplyFacts, 'modelId' | 'model' | 'vocabularySize'> {
  return { modelId: model?.id ?? '', model: model?.name ?? '', vocabularySize: model?.vocabularySize ?? 0 };
}

/** What the engine is to know of a reply that goes on; nothing of a new one. */
function continuationOf({ text, stop }: Reply): Pick<GenerateParams, 'continues'> {
  if (text === '' && stop === null) return {};
  const stopString = stop?.reason === 'stop_string' ? stop.stopString : undefined;
  return { continues: { reason: stop?.reason ?? null, ...(stopString === undefined ? {} : { stopString }) } };
}

/** A reply that made way for something says for what. */
function because(stop: Stop, { stoppedTo }: Running): Stop {
  return stop.reason === 'user' && stoppedTo !== null ? { ...stop, to: stoppedTo } : stop;
}
