/** The wire format. Every message is one of these; anything else is refused at the edge (see `schemas.ts`). */
import type { ErrorPayload } from '../../engine/api/types.ts';

/** Incremented whenever the meaning of a message changes. Both sides must agree. */
export const PROTOCOL_VERSION = 2;

/** Client to engine. `id` is chosen by the client, increases and is never reused on a connection. */
export type ClientMessage =
  | { type: 'hello'; version: number }
  | { type: 'call'; id: number; method: string; params: unknown }
  | { type: 'open'; id: number; method: string; params: unknown; credit: number }
  /** Allows `credit` more chunks of stream `id`. */
  | { type: 'credit'; id: number; credit: number }
  | { type: 'cancel'; id: number };

/** Engine to client. */
export type EngineMessage =
  | { type: 'hello'; version: number }
  | { type: 'result'; id: number; result: unknown }
  /** Events of stream `id`, oldest first. One chunk consumes one credit. */
  | { type: 'chunk'; id: number; events: unknown[] }
  /** Closes stream `id`. */
  | { type: 'end'; id: number }
  /** Answers a call or closes a stream. */
  | { type: 'error'; id: number; error: ErrorPayload };
