import type { MessagePort } from 'node:worker_threads';

/** `workerData` of the engine's thread. */
export interface EngineWorkerData {
  modelsDir: string;
  /** Paths of models outside of `modelsDir` by id: a client can only refer to these. */
  modelPaths: Readonly<Record<string, string>>;
  /** Path of stored measurements of this computer; null for none. */
  measurementsPath: string | null;
  /** Folder of the prefix cache; null for none. */
  prefixFolder: string | null;
  /** Whether the parent connects to a GPU in another process. Otherwise the thread uses Dawn. */
  connectsGpu: boolean;
}

/** From the thread to its parent: requests the path of another model. */
export interface LocateMessage {
  type: 'locate';
  request: number;
  modelId: string;
}

/** The response; null for an unknown id. */
export interface LocatedMessage {
  type: 'located';
  request: number;
  path: string | null;
}

/** From the thread to its parent: requests a connection to a GPU. */
export interface GpuMessage {
  type: 'gpu';
  request: number;
}

/** The response: a port, or a sentence why there is none. */
export type GpuConnectedMessage = { type: 'gpuConnected'; request: number } & (
  | { port: MessagePort }
  | { problem: string }
);

/** From the thread to its parent: the engine began or finished loading or unloading a model. */
export interface ModelMessage {
  type: 'model';
  changing: boolean;
}

/** From the thread to its parent: what it has sent is no longer needed. The parent holds messages that it passed on. */
export interface GarbageMessage {
  type: 'garbage';
}

/** Opens a connection to the engine's thread. */
export interface ConnectMessage {
  type: 'connect';
  port: MessagePort;
  /** Shared with the link at the other end of `port`. */
  cancelFlags: SharedArrayBuffer;
}
