/** The wire format. Every message is one of these; anything else is refused at the edge (see `schemas.ts`). */
import type { ErrorPayload } from '../../engine/api/types.ts';

/** Raised whenever a message changes its meaning. Both sides must agree. */
export const PROTOCOL_VERSION = 2;

/** Client to engine. `id` is chosen by the client, counts up and is never reused on one connection. */
export type ClientMessage =
  | { type: 'hello'; version: number }
  | { type: 'call'; id: number; method: string; params: unknown }
  | { type: 'open'; id: number; method: string; params: unknown; credit: number }
  /** Room for `credit` more chunks of stream `id`. */
  | { type: 'credit'; id: number; credit: number }
  | { type: 'cancel'; id: number };

/** Engine to client. */
export type EngineMessage =
  | { type: 'hello'; version: number }
  | { type: 'result'; id: number; result: unknown }
  /** Events of stream `id`, oldest first. One chunk uses up one credit. */
  | { type: 'chunk'; id: number; events: unknown[] }
  /** Closes stream `id`. */
  | { type: 'end'; id: number }
  /** Answers a call or closes a stream. */
  | { type: 'error'; id: number; error: ErrorPayload };
