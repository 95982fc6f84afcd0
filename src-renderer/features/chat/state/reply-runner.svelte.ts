import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { Stop } from '../../../../src-main/engine/api/types.ts';
import type { ChatDocument } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import { SpeedMeasurements } from './measurements.svelte.ts';
import { modelFacts, type ReplyRequest } from './reply-request.ts';
import type { Reply } from './reply.svelte.ts';
import { StopRequest } from './stop-request.svelte.ts';
import { stopAfter, writeReply } from './write-reply.ts';

interface Running {
  readonly chat: ChatDocument;
  readonly reply: Reply;
  readonly abort: AbortController;
  /** What it was stopped for, where it was not for its own sake. */
  stoppedTo: string | null;
  /** Messages that wait are not sent when it ends. */
  holdsQueue: boolean;
}

/** Has the engine write replies: one at a time, in whatever chat they belong to. */
export class ReplyRunner {
  #running = $state.raw<Running | null>(null);
  readonly stopRequest = new StopRequest();
  readonly measurements = new SpeedMeasurements();
  readonly #chats: ChatsState;
  readonly #engine: EngineState;
  readonly #request: ReplyRequest;
  readonly #frame: (callback: () => void) => void;

  constructor(parts: {
    chats: ChatsState;
    engine: EngineState;
    request: ReplyRequest;
    /** Gathers tokens until the next picture is drawn. */
    frame: (callback: () => void) => void;
  }) {
    this.#chats = parts.chats;
    this.#engine = parts.engine;
    this.#request = parts.request;
    this.#frame = parts.frame;
  }

  /** The reply that is being written, and its chat. */
  get running(): { readonly chat: ChatDocument; readonly reply: Reply } | null {
    return this.#running;
  }

  /**
   * Writes `reply`, from its beginning or on from where it ends.
   * @returns whether messages that wait may be sent now: not after an error, nor where it made way for something else
   */
  async run(chat: ChatDocument, reply: Reply): Promise<boolean> {
    const params = this.#request.params(chat, reply);
    const running: Running = { chat, reply, abort: new AbortController(), stoppedTo: null, holdsQueue: false };
    const { signal } = running.abort;
    this.#running = running;
    const following = this.#chats.follow(chat, reply);
    const continues = reply.text !== '';
    reply.begin({ sampling: params.sampling });
    // Others, and this page after a crash, are to know that it goes on.
    if (continues) chat.noteReply(reply);
    try {
      const engine = await this.#engine.ready(signal);
      this.#noteModel(chat, reply);
      await writeReply(reply, {
        engine,
        params,
        signal,
        frame: this.#frame,
        onStart: () => chat.noteReply(reply),
        onTokens: () => following.grew(),
        stopOf: (stop) => because(stop, running),
      });
    } catch (thrown) {
      reply.failed(because(stopAfter(EngineError.from(thrown), reply), running));
    } finally {
      following.ended();
      this.#running = null;
      this.stopRequest.end();
      this.measurements.note(reply, this.#engine.model, params.useKvCache);
    }
    return reply.stop?.reason !== 'error' && !running.holdsQueue;
  }

  /** Stops the running reply. What is written stays. @param to see `ChatSession.stop` */
  stop(to: string | null): void {
    const running = this.#running;
    if (running === null) return;
    running.stoppedTo = to;
    if (to !== null) running.holdsQueue = true;
    this.stopRequest.begin();
    running.abort.abort();
  }

  #noteModel(chat: ChatDocument, reply: Reply): void {
    const { model } = this.#engine;
    if (model === null) return;
    this.measurements.startWith(model);
    reply.note({ ...modelFacts(model), executor: model.executor });
    if (chat.model.id === '') chat.model = { id: model.id, name: model.name };
  }
}

/** A reply that made way for something says for what. */
function because(stop: Stop, { stoppedTo }: Running): Stop {
  return stop.reason === 'user' && stoppedTo !== null ? { ...stop, to: stoppedTo } : stop;
}
