import type { ChatsState } from './chats.svelte.ts';
import { contextUse, type ContextUse } from './context-use.ts';
import type { EngineState } from './engine.svelte.ts';
import type { Reply } from './reply.svelte.ts';

/** Points of the small rate line. */
const RATE_POINTS = 60;

/** What the replies of the open chat tell about the present model: how full its window is, and how fast it is. */
export class ChatFigures {
  readonly #chats: ChatsState;
  readonly #engine: EngineState;
  readonly #running: () => Reply | null;

  /** @param parts `running`: the reply that is being written, in whatever chat */
  constructor(parts: { chats: ChatsState; engine: EngineState; running: () => Reply | null }) {
    this.#chats = parts.chats;
    this.#engine = parts.engine;
    this.#running = parts.running;
  }

  /** How full the context window is. */
  get context(): ContextUse {
    return contextUse(this.started, this.#engine.model?.contextSize ?? 0);
  }

  /** The newest reply that tells how full the window is; null: none does. */
  get started(): Reply | null {
    const started = this.#chats.current.lastStarted;
    return started !== null && this.#wasWrittenHere(started) ? started : null;
  }

  /** The rate of the reply that is running or was last; null when it had fewer than two tokens. */
  get rate(): { points: readonly number[]; current: number } | null {
    const reply = this.#running() ?? this.#chats.current.lastReply;
    if (reply === null || reply.count < 2 || !this.#wasWrittenHere(reply)) return null;
    const { statistics } = reply;
    const current = reply.running ? statistics.now() : (reply.timings?.decodeTokensPerSecond ?? statistics.average());
    if (current === null) return null;
    return { points: statistics.overTime(RATE_POINTS).map((point) => point.rate), current };
  }

  /** Another model cuts the same text into other tokens, so its count says nothing about this one's window. */
  #wasWrittenHere(reply: Reply): boolean {
    const { model } = this.#engine;
    if (model === null) return false;
    if (reply.facts.modelId !== '') return reply.facts.modelId === model.id;
    return reply.model === '' || reply.model === model.name;
  }
}
