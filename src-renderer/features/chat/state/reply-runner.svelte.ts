import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { SamplingParams, WhenFull } from '../../../../src-main/engine/api/types.ts';
import type { PacedFrame } from '../../../lib/paced-frames.ts';
import type { RunRecorder } from '../receipts/run-recorder.ts';
import { SessionTotals } from '../rates/session-totals.svelte.ts';
import type { ChatDocument } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import type { EngineState } from './engine.svelte.ts';
import { now } from './identity.ts';
import { SpeedMeasurements } from './measurements.svelte.ts';
import { prefixAtOnce, prefixOf } from './reply-prefix.ts';
import { modelFacts, type Branch, type ReplyRequest } from './reply-request.ts';
import type { Reply } from './reply.svelte.ts';
import { StopRequest } from './stop-request.svelte.ts';
import { because, stopAfter, writeReply } from './write-reply.ts';

interface Running {
  readonly chat: ChatDocument;
  readonly reply: Reply;
  readonly abort: AbortController;
  /** What it was stopped for, or null if the user just stopped it. */
  stoppedTo: string | null;
  /** Queued messages are not sent when it ends. */
  holdsQueue: boolean;
}

export interface RunOptions {
  /** It begins with the tokens before this one, which it already has, and the chosen one. */
  branch?: Branch | undefined;
  /** Instead of the settings. */
  sampling?: SamplingParams | undefined;
  /** Instead of the chat's choice. */
  whenFull?: WhenFull | undefined;
}

/** Generates replies, one at a time, in any chat. */
export class ReplyRunner {
  #running = $state.raw<Running | null>(null);
  readonly stopRequest = new StopRequest();
  readonly measurements = new SpeedMeasurements();
  readonly totals = new SessionTotals();
  readonly #chats: ChatsState;
  readonly #engine: EngineState;
  readonly #request: ReplyRequest;
  readonly #frame: PacedFrame;
  readonly #recorder: RunRecorder;
  #hashing: Promise<void> = Promise.resolve();

  constructor(parts: {
    chats: ChatsState;
    engine: EngineState;
    request: ReplyRequest;
    /** Collects tokens until the next animation frame. */
    frame: PacedFrame;
    recorder: RunRecorder;
  }) {
    this.#chats = parts.chats;
    this.#engine = parts.engine;
    this.#request = parts.request;
    this.#frame = parts.frame;
    this.#recorder = parts.recorder;
  }

  /** The running reply and its chat. */
  get running(): { readonly chat: ChatDocument; readonly reply: Reply } | null {
    return this.#running;
  }

  /** Resolves when the files of the latest reply's model have been hashed, or cannot be. */
  get hashing(): Promise<void> {
    return this.#hashing;
  }

  /**
   * Generates `reply`, or continues it.
   * @returns whether queued messages may be sent now: not after an error, nor if the reply was stopped for something else
   */
  async run(chat: ChatDocument, reply: Reply, { branch, sampling, whenFull }: RunOptions = {}): Promise<boolean> {
    const requestedAt = now();
    const own = sampling === undefined ? {} : { sampling };
    const params = { ...this.#request.params(chat, reply, requestedAt, whenFull), ...own };
    const running: Running = { chat, reply, abort: new AbortController(), stoppedTo: null, holdsQueue: false };
    const { signal } = running.abort;
    this.#running = running;
    const following = this.#chats.follow(chat, reply);
    const continues = reply.text !== '';
    reply.begin({ sampling: params.sampling });
    // Other pages, and this page after a crash, need to know that it is being continued.
    if (continues) chat.noteReply(reply);
    try {
      // The engine is asked before the page draws the new turns, which takes as long as a few tokens.
      const versions = this.#recorder.versions();
      const engine = this.#engine.current ?? (await this.#engine.ready(signal));
      // Another model may have been loaded meanwhile.
      const present = { ...this.#request.withPresentSettings(params, chat), ...own };
      this.#noteModel(chat, reply);
      reply.note({ sampling: present.sampling });
      let asked = present;
      if (branch !== undefined) {
        const { from, index, id } = branch;
        const before = prefixAtOnce(from, index) ?? (await prefixOf(from, index, engine));
        asked = this.#request.branchParams(present, chat, reply, id, before);
      }
      await writeReply(reply, {
        engine,
        params: asked,
        signal,
        frame: this.#frame,
        onStart: async (start) => {
          this.#recorder.noteStart(reply, { params: asked, requestedAt, versions: await versions }, start);
          chat.noteReply(reply);
        },
        onTokens: () => {
          following.grew();
          // Another page deleted it. Its text can be restored there.
          if (chat.isHidden(reply)) this.stop(null);
        },
        stopOf: (stop) => because(stop, running.stoppedTo),
      });
    } catch (thrown) {
      reply.failed(because(stopAfter(EngineError.from(thrown), reply), running.stoppedTo));
    } finally {
      following.ended();
      this.#running = null;
      this.stopRequest.end();
      this.measurements.note(reply, this.#engine.model, params.useKvCache);
      this.totals.add(reply);
    }
    this.#hashing = this.#noteFiles(chat, reply);
    return reply.stop?.reason !== 'error' && !running.holdsQueue;
  }

  /** Stops the running reply. Its text is kept. @param to see `ChatSession.stop` */
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

  async #noteFiles(chat: ChatDocument, reply: Reply): Promise<void> {
    const noted = await this.#recorder.noteFiles([reply]);
    if (noted.length > 0) chat.noteReply(reply);
  }
}
