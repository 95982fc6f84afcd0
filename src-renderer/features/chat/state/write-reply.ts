import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { GeneratedToken, GenerateParams, Stop } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { Reply } from './reply.svelte.ts';

export interface WriteOptions {
  readonly engine: EngineApi;
  readonly params: GenerateParams;
  readonly signal: AbortSignal;
  /** Collects tokens until the next animation frame. */
  frame(callback: () => void): void;
  /** The `start` event arrived. */
  onStart(): void;
  /** Tokens were added. */
  onTokens(): void;
  /** Maps the engine's stop to the reply's. */
  stopOf(stop: Stop): Stop;
}

/** Generates a reply, appending tokens once per frame. @throws EngineError */
export async function writeReply(reply: Reply, options: WriteOptions): Promise<void> {
  const { engine } = options;
  let buffer: GeneratedToken[] = [];
  let due = false;
  const flush = () => {
    due = false;
    const tokens = buffer;
    buffer = [];
    if (tokens.length === 0) return;
    reply.append(tokens);
    options.onTokens();
  };
  try {
    for await (const event of engine.stream('generate', options.params, { signal: options.signal })) {
      if (event.type === 'start') {
        reply.started(event);
        options.onStart();
      } else if (event.type === 'token') {
        buffer.push(event.token);
        if (event.dropped !== undefined) reply.dropped = event.dropped.total;
        if (!due) {
          due = true;
          options.frame(flush);
        }
      } else {
        flush();
        reply.finished({ ...event, stop: options.stopOf(event.stop) });
      }
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
