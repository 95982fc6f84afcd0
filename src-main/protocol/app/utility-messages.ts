/** Messages between the main process and the engine's utility process, besides the engine's protocol. */

/** Main to utility. Comes with one port (`ports[0]`) for the engine's protocol with one window. */
export interface UtilityPortMessage {
  type: 'port';
  /** A later port for the same window replaces the earlier one. */
  windowId: number;
}

/** Main to utility: path of the requested model; null when it was not opened here. */
export interface UtilityLocatedMessage {
  type: 'located';
  request: number;
  path: string | null;
}

/**
 * Main to utility: a connection to a thread with WebGPU (`ports[0]`), or a sentence why there is none.
 */
export interface UtilityGpuMessage {
  type: 'gpu';
  request: number;
  problem: string | null;
}

/** Utility to main. */
export type UtilityMessage =
  /** The engine's thread is running and accepts ports. */
  | { type: 'ready' }
  /** Requests the path of a model that a person opened. Answered with a UtilityLocatedMessage. */
  | { type: 'locate'; request: number; modelId: string }
  /** The engine began or finished loading or unloading: the model that all windows share may change. */
  | { type: 'model'; changing: boolean }
  /** Requests a connection to a thread with WebGPU. Answered with a UtilityGpuMessage. */
  | { type: 'gpu'; request: number }
  /** All such connections are closed. */
  | { type: 'gpuUnused' }
  /** The last message before the process ends with a code other than 0. */
  | { type: 'failed'; reason: string };

/** Argument of the utility process: `--models-dir=PATH`. */
export const MODELS_DIR_ARGUMENT = '--models-dir=';
/** Argument of the utility process: `--measurements=PATH`, the file for stored measurements. */
export const MEASUREMENTS_ARGUMENT = '--measurements=';
/** Argument of the utility process: `--prefixes=PATH`, the folder of the prefix cache. */
export const PREFIXES_ARGUMENT = '--prefixes=';

export function isUtilityPortMessage(message: unknown): message is UtilityPortMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    message.type === 'port' &&
    'windowId' in message &&
    Number.isSafeInteger(message.windowId)
  );
}

export function isUtilityLocatedMessage(message: unknown): message is UtilityLocatedMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'located';
}

export function isUtilityGpuMessage(message: unknown): message is UtilityGpuMessage {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'gpu';
}
