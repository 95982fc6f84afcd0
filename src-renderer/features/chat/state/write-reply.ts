import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  GeneratedToken,
  GenerateEvent,
  GenerateParams,
  GenerateStart,
  Stop,
} from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { Reply } from './reply.svelte.ts';

export interface WriteOptions {
  readonly engine: EngineApi;
  readonly params: GenerateParams;
  readonly signal: AbortSignal;
  /** Collects tokens until a frame. See `PacedFrame`. */
  frame(callback: () => void, isUrgent: boolean): void;
  /** The `start` event arrived. */
  onStart(start: GenerateStart): void | Promise<void>;
  /** Tokens were added. */
  onTokens(): void;
  /** Maps the engine's stop to the reply's. */
  stopOf(stop: Stop): Stop;
}

/** Gives the engine's events to a reply. Tokens are collected until `flush`. */
export class ReplyBuffer {
  readonly #reply: Reply;
  readonly #stopOf: (stop: Stop) => Stop;
  #tokens: GeneratedToken[] = [];

  /** @param stopOf maps the engine's stop to the reply's */
  constructor(reply: Reply, stopOf: (stop: Stop) => Stop) {
    this.#reply = reply;
    this.#stopOf = stopOf;
  }

  take(event: GenerateEvent): void {
    if (event.type === 'start') this.#reply.started(event);
    else if (event.type === 'moved') this.#reply.moved(event);
    else if (event.type === 'prefill') this.#reply.prefilled(event.done, event.total);
    else if (event.type === 'token') {
      if (event.dropped !== undefined) this.#reply.shifted(event.dropped, this.#reply.count + this.#tokens.length);
      this.#tokens.push(event.token);
    } else {
      this.flush();
      this.#reply.finished({ ...event, stop: this.#stopOf(event.stop) });
    }
  }

  /** @returns whether there were tokens */
  flush(): boolean {
    const tokens = this.#tokens;
    this.#tokens = [];
    this.#reply.append(tokens);
    return tokens.length > 0;
  }
}

/** Generates a reply, appending tokens once per frame, the first ones in the very next. @throws EngineError */
export async function writeReply(reply: Reply, options: WriteOptions): Promise<void> {
  const { engine, params } = options;
  const writer = new ReplyBuffer(reply, options.stopOf);
  /** Tokens before the first one that the model draws, which a person waits for: a branch has a chosen one. */
  const before = reply.count + (params.firstToken === undefined ? 0 : 1);
  let due = false;
  const flush = () => {
    due = false;
    if (writer.flush()) options.onTokens();
  };
  try {
    for await (const event of engine.stream('generate', params, { signal: options.signal })) {
      if (event.type === 'end') flush();
      writer.take(event);
      if (event.type === 'start') await options.onStart(event);
      else if (event.type === 'token' && !due) {
        due = true;
        options.frame(flush, reply.count <= before);
      }
      // The run ends with its reply: nothing that a person does next has to wait for the stream's own end.
      if (event.type === 'end') break;
    }
  } finally {
    flush();
  }
  if (reply.running) throw new EngineError('INTERNAL', 'The engine ended the reply without a stop reason. Try again.');
}

/** The stop of a reply that ended without an `end` event. */
export function stopAfter(error: EngineError, reply: Reply): Stop {
  const tokens = reply.count - reply.runStart;
  if (error.code === 'CANCELLED') return { reason: 'user', tokens };
  return { reason: 'error', tokens, error: error.payload };
}

/** Adds to a stop what the reply was stopped for. @param to null: the user just stopped it */
export function because(stop: Stop, to: string | null): Stop {
  return stop.reason === 'user' && to !== null ? { ...stop, to } : stop;
}
