import type { MessagePort } from 'node:worker_threads';

/** `workerData` of the engine's thread. */
export interface EngineWorkerData {
  modelsDir: string;
  /** Models outside of `modelsDir`, by the ids that stand for them: a client can name these and no other paths. */
  modelPaths: Readonly<Record<string, string>>;
  /** Where measurements of this computer are kept; null: nowhere. */
  measurementsPath: string | null;
}

/** Thread to the one that started it: where does the model lie that neither of these names? */
export interface LocateMessage {
  type: 'locate';
  request: number;
  modelId: string;
}

/** Its answer; null for an id that stands for no model. */
export interface LocatedMessage {
  type: 'located';
  request: number;
  path: string | null;
}

/** Brings one connection into the engine's thread. */
export interface ConnectMessage {
  type: 'connect';
  port: MessagePort;
  /** Shared with the link at the other end of `port`. */
  cancelFlags: SharedArrayBuffer;
}
