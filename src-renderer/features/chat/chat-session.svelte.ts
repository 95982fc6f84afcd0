import { EngineError } from '../../../src-main/engine/errors.ts';
import type {
  ChatMessage,
  GeneratedToken,
  GenerateParams,
  ModelInfo,
  PromptInput,
  Stop,
  Timings,
} from '../../../src-main/engine/types.ts';
import type { EngineApi } from '../../../src-main/protocol/api.ts';
import { formatCount } from '../../ui/format.ts';
import { nextFrame } from '../../lib/next-frame.ts';
import type { AssistantTurn, ChatDocument } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import type { GrammarCheck } from './grammar/grammar-check.svelte.ts';
import { now } from './identity.ts';
import type { ModelSettingsState } from './model-settings.svelte.ts';
import { Reply } from './reply.svelte.ts';
import type { SettingsState } from './settings.svelte.ts';
import { rateAverage, rateNow, rateOverTime } from './statistics.ts';
import { lostStop } from './stop-words.ts';
import { titleFrom } from './title.ts';

/** Candidates kept with each token. */
const CANDIDATES = 10;
/** Points of the small rate line. */
const RATE_POINTS = 60;
/** An engine that has not answered Stop after this long, ms, is offered to be restarted. It answers within 100 ms. */
const STUCK_AFTER_MS = 2000;
/** Unfinished replies are written this often, ms, so that a crash of the page costs little. */
const SAVE_EVERY_MS = 2000;

interface Running {
  readonly chat: ChatDocument;
  readonly reply: Reply;
  readonly abort: AbortController;
  /** Why it was stopped, where it was not for its own sake. */
  stoppedTo: string | null;
}

export interface ContextUse {
  /** The system prompt, tokens. */
  system: number;
  /** What else the model read before the reply, tokens. */
  history: number;
  reply: number;
  used: number;
  size: number;
  level: 'ok' | 'warn' | 'danger';
}

/** Ms per token with and without the KV cache, from the latest reply of each kind that was long enough to tell. */
export interface CacheComparison {
  msPerToken: number;
  /** Context at the reply's end, tokens: without the cache the time grows with it. */
  contextTokens: number;
}

/** A reply that was long enough to tell how fast its model is. */
export interface Written {
  model: ModelInfo;
  timings: Timings;
  tokens: number;
}

/** Writes replies: one at a time, in whatever chat they belong to. */
export class ChatSession {
  #running = $state.raw<Running | null>(null);
  /** Messages that wait for the running reply to end, oldest first. */
  #queue = $state.raw<readonly { chat: ChatDocument; text: string }[]>([]);
  /** What is being written in the composer; outlives a look at another view. */
  draft = $state('');
  /** Stop was pressed and the engine has not answered yet. */
  stopping = $state(false);
  /** ... and does not seem to. */
  stuck = $state(false);
  #stuckTimer: ReturnType<typeof setTimeout> | null = null;
  /** What the KV cache saves with the present model, as measured. */
  measured = $state.raw<{ cached: CacheComparison | null; uncached: CacheComparison | null }>({
    cached: null,
    uncached: null,
  });

  #measuredModel: string | null = null;
  // Nothing on screen depends on it.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #measuredListeners = new Set<(written: Written) => void>();

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
    return this.#queue.filter((one) => one.chat === this.#chats.current).map((one) => one.text);
  }

  /** How full the context window is, for the open chat. */
  get context(): ContextUse {
    const size = this.#engine.model?.contextSize ?? 0;
    const reply = this.started?.reply;
    const used = reply?.contextUsed ?? 0;
    const prompt = Math.min(used, reply?.promptTokens ?? 0);
    const ofSystem = reply?.segments.filter(({ role }) => role === 'system') ?? [];
    const system = Math.min(
      prompt,
      ofSystem.reduce((sum, { tokens }) => sum + tokens, 0),
    );
    return { system, history: prompt - system, reply: used - prompt, used, size, level: levelOf(used, size) };
  }

  /** The newest answer of the open chat that tells how full the present model's window is; null: none does. */
  get started(): ChatDocument['lastStarted'] {
    const started = this.#chats.current.lastStarted;
    return started !== null && this.#wasWrittenHere(started.reply) ? started : null;
  }

  /** Another model cuts the same text into other tokens, so its count says nothing about this one's window. */
  #wasWrittenHere(reply: Reply): boolean {
    const { model } = this.#engine;
    return model !== null && (reply.model === '' || reply.model === model.name);
  }

  /** The rate of the reply that is running or was last; null when it had fewer than two tokens. */
  get rate(): { points: readonly number[]; current: number } | null {
    const reply = this.#running?.reply ?? this.#chats.current.lastReply;
    if (reply === null || reply.count < 2 || !this.#wasWrittenHere(reply)) return null;
    const latencies = reply.latencies();
    const current = reply.running
      ? rateNow(latencies)
      : (reply.timings?.decodeTokensPerSecond ?? rateAverage(latencies));
    if (current === null) return null;
    return { points: rateOverTime(latencies, RATE_POINTS).map((point) => point.rate), current };
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
    this.#measuredListeners.add(listener);
    return () => this.#measuredListeners.delete(listener);
  }

  /** Why no message can be sent now; null: it can. */
  get blocked(): string | null {
    return this.#grammarCheck.blocks;
  }

  /** Sends a message in the open chat, at once or when the running reply has ended. */
  async send(text: string): Promise<void> {
    const chat = this.#chats.current;
    if (text.trim() === '' || this.blocked !== null) return;
    if (this.#running !== null) {
      this.#queue = [...this.#queue, { chat, text }];
      return;
    }
    await this.#send(chat, text);
  }

  /** Takes the waiting messages of the open chat back, for the composer. */
  takeQueued(): string {
    const texts = this.queued;
    this.#queue = this.#queue.filter((one) => one.chat !== this.#chats.current);
    return texts.join('\n');
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
    if (this.#running === null) return;
    this.#running.stoppedTo = to;
    this.stopping = true;
    this.#stuckTimer ??= setTimeout(() => (this.stuck = true), STUCK_AFTER_MS);
    this.#running.abort.abort();
  }

  /** Answers the last turn of the open chat again. The versions before stay. */
  async regenerate(): Promise<void> {
    const chat = this.#chats.current;
    const answer = chat.lastAnswer;
    if (this.#running !== null || answer === null) return;
    await this.#answer(chat, answer, this.#newVersion(answer));
  }

  /** Writes on at the end of the open chat's last reply. */
  async continueReply(): Promise<void> {
    const chat = this.#chats.current;
    const answer = chat.lastAnswer;
    const reply = answer?.reply;
    if (this.#running !== null || !answer || !reply) return;
    await this.#answer(chat, answer, reply);
  }

  /** Shows another version of an answer; what follows builds on it. */
  showVersion(answer: AssistantTurn, version: number): void {
    if (version < 0 || version >= answer.versions.length) return;
    answer.active = version;
    this.#chats.touch(this.#chats.current);
  }

  async #send(chat: ChatDocument, text: string): Promise<void> {
    if (chat.isEmpty) chat.title = titleFrom(text);
    chat.addUserTurn(text);
    const answer = chat.addAnswer();
    await this.#answer(chat, answer, this.#newVersion(answer));
  }

  #newVersion(answer: AssistantTurn): Reply {
    const reply = new Reply({ createdAt: now(), sampling: this.#modelSettings.sampling });
    answer.addVersion(reply);
    return reply;
  }

  async #sendNext(chat?: ChatDocument): Promise<void> {
    const next = this.#queue.find((one) => chat === undefined || one.chat === chat);
    if (!next) return;
    this.#queue = this.#queue.filter((one) => one !== next);
    await this.#send(next.chat, next.text);
  }

  /** Writes `reply`, from its beginning or on from where it ends. */
  async #answer(chat: ChatDocument, answer: AssistantTurn, reply: Reply): Promise<void> {
    const messages = chat.messages(answer).map(({ message }) => message);
    const soFar = reply.text;
    if (soFar !== '') messages.push({ role: 'assistant', text: soFar });
    const params = { ...this.#params(messages), ...continuationOf(reply) };
    const running: Running = { chat, reply, abort: new AbortController(), stoppedTo: null };
    this.#running = running;
    reply.begin(params.sampling);
    this.#chats.touch(chat);
    const saving = setInterval(() => this.#chats.touch(chat), SAVE_EVERY_MS);
    try {
      const engine = await this.#engine.ready(running.abort.signal);
      this.#noteModel(chat, reply);
      await this.#write(engine, params, running);
    } catch (thrown) {
      reply.failed(because(failure(EngineError.from(thrown), reply), running));
    } finally {
      clearInterval(saving);
      this.#running = null;
      this.#stopped();
      this.#measure(reply, params.useKvCache);
      void this.#chats.save(chat);
    }
    if (reply.stop?.reason !== 'error' && running.stoppedTo === null) await this.#sendNext();
  }

  async #write(engine: EngineApi, params: GenerateParams, running: Running): Promise<void> {
    const { reply, abort } = running;
    let buffer: GeneratedToken[] = [];
    let due = false;
    const flush = () => {
      due = false;
      const tokens = buffer;
      buffer = [];
      reply.append(tokens);
    };
    try {
      for await (const event of engine.stream('generate', params, { signal: abort.signal })) {
        if (event.type === 'start') {
          reply.started(event);
        } else if (event.type === 'token') {
          buffer.push(event.token);
          if (!due) {
            due = true;
            this.#frame(flush);
          }
        } else {
          flush();
          reply.finished({ ...event, stop: because(event.stop, running) });
        }
      }
    } finally {
      flush();
    }
    if (reply.running) throw new EngineError('INTERNAL', 'The engine ended the reply without saying why. Try again.');
  }

  #noteModel(chat: ChatDocument, reply: Reply): void {
    const { model } = this.#engine;
    if (model === null) return;
    if (this.#measuredModel !== model.id) this.measured = { cached: null, uncached: null };
    this.#measuredModel = model.id;
    reply.model = model.name;
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

  #measure(reply: Reply, useKvCache: boolean): void {
    const rate = reply.timings?.decodeTokensPerSecond;
    if (rate == null || reply.count - reply.runStart < 8) return;
    const { model } = this.#engine;
    if (model !== null && model.name === reply.model && reply.timings !== null && useKvCache) {
      const written = { model, timings: reply.timings, tokens: reply.count - reply.runStart };
      for (const listener of this.#measuredListeners) listener(written);
    }
    const result = { msPerToken: 1000 / rate, contextTokens: reply.contextUsed };
    this.measured = { ...this.measured, [useKvCache ? 'cached' : 'uncached']: result };
  }
}

/** What the engine is to know of a reply that goes on; nothing of a new one. */
function continuationOf({ text, stop }: Reply): Pick<GenerateParams, 'continues'> {
  if (text === '' && stop === null) return {};
  const stopString = stop?.stopString === undefined ? {} : { stopString: stop.stopString };
  return { continues: { reason: stop?.reason ?? null, ...stopString } };
}

/** A reply that made way for something says for what. */
function because(stop: Stop, { reply, stoppedTo }: Running): Stop {
  if (stop.reason !== 'user' || stoppedTo === null) return stop;
  const written = reply.count - reply.runStart;
  return { ...stop, detail: `Stopped after ${formatCount(written, 'token')} to ${stoppedTo}.` };
}

export function levelOf(used: number, size: number): ContextUse['level'] {
  const share = size === 0 ? 0 : used / size;
  return share >= 0.95 ? 'danger' : share >= 0.8 ? 'warn' : 'ok';
}

function failure(error: EngineError, reply: Reply): Stop {
  const written = reply.count - reply.runStart;
  if (error.code === 'CANCELLED') return { reason: 'user', detail: `Stopped by you after ${written} tokens.` };
  return error.code === 'BACKEND_LOST'
    ? lostStop(written, error)
    : { reason: 'error', detail: error.message, errorCode: error.code };
}
