import type { ChatsState } from './chats.svelte.ts';
import type { ChatTurn } from './chat-document.svelte.ts';
import { contextUse, unreadTurns, type ContextUse } from './context-use.ts';
import type { EngineState } from './engine.svelte.ts';
import type { Reply } from './reply.svelte.ts';

/** Number of points in the sparkline. */
const RATE_POINTS = 60;

/** Figures about the current model from the replies of the open chat: context use and rate. */
export class ChatFigures {
  readonly #chats: ChatsState;
  readonly #engine: EngineState;
  readonly #running: () => Reply | null;

  /** @param parts `running`: the running reply, in any chat */
  constructor(parts: { chats: ChatsState; engine: EngineState; running: () => Reply | null }) {
    this.#chats = parts.chats;
    this.#engine = parts.engine;
    this.#running = parts.running;
  }

  /** How full the context window is. */
  get context(): ContextUse {
    return contextUse(this.started, this.#engine.model?.contextSize ?? 0);
  }

  /** The newest reply that says how full the window is, or null. */
  get started(): Reply | null {
    const started = this.#chats.current.lastStarted;
    return started !== null && this.#wasWrittenHere(started) ? started : null;
  }

  /** Turns on screen that the model does not see any more. */
  get unread(): ReadonlySet<ChatTurn> {
    return unreadTurns(this.#chats.current, this.started);
  }

  /** The rate of the running or last reply; null if it has fewer than two tokens. */
  get rate(): { points: readonly number[]; current: number } | null {
    const reply = this.#running() ?? this.#chats.current.lastReply;
    if (reply === null || reply.count < 2 || !this.#wasWrittenHere(reply)) return null;
    const { statistics } = reply;
    const current = reply.running ? statistics.now() : (reply.timings?.decodeTokensPerSecond ?? statistics.average());
    if (current === null) return null;
    return { points: statistics.overTime(RATE_POINTS).map((point) => point.rate), current };
  }

  /** Other models tokenize differently, so their counts say nothing about this model's window. */
  #wasWrittenHere(reply: Reply): boolean {
    const { model } = this.#engine;
    if (model === null) return false;
    if (reply.facts.modelId !== '') return reply.facts.modelId === model.id;
    return reply.model === '' || reply.model === model.name;
  }
}
