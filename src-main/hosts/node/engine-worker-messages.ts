import type { MessagePort } from 'node:worker_threads';

/** `workerData` of the engine's thread. */
export interface EngineWorkerData {
  modelsDir: string;
}

/** Brings one connection into the engine's thread. */
export interface ConnectMessage {
  type: 'connect';
  port: MessagePort;
  /** Shared with the relay at the other end of `port`. */
  cancelFlags: SharedArrayBuffer;
}
