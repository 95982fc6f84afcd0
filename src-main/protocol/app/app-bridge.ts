/** How a page reaches `AppServices`: what both hosts agree on, by name. */
import type { ErrorPayload } from '../../engine/api/types.ts';
import type { AppEvent, AppMethodName, AppMethods, ModelListing } from './app-services.ts';

/**
 * The answer of one call. Errors cross as data, because Electron's bridge keeps nothing of an error but its message.
 * Over HTTP this is the body of every answer of `/api/invoke`.
 */
export type AppAnswer<T = unknown> = { result: T } | { error: ErrorPayload };

/** Electron's page: `window.tokenscope`, put there by the preload. Verbs only. */
export interface TokenscopeBridge {
  readonly host: 'electron';
  /** Node's name of the system: `linux`, `darwin`, `win32`. macOS draws its own window buttons. */
  readonly platform: string;
  /** Never rejects for an error of the method: see AppAnswer. */
  invoke<M extends AppMethodName>(
    method: M,
    ...params: AppMethods[M]['params']
  ): Promise<AppAnswer<AppMethods[M]['result']>>;
  /**
   * Remembers the model that a person dropped on the page: a GGUF file or a folder. Its path stays on the other side;
   * a file that does not lie on a disk is refused. Never rejects: see AppAnswer.
   */
  dropModel(file: File): Promise<AppAnswer<ModelListing>>;
  /** The state of the app (engine, read-only) follows at once, later events as they come. Gives the way to stop. */
  onEvent(listener: (event: AppEvent) => void): () => void;
  /**
   * Asks for a port to the engine. It arrives as a `message` event of the window with
   * `data.type === ENGINE_PORT_MESSAGE` and the port in `ports[0]`; a fresh one comes unasked after a restart.
   */
  requestEnginePort(): void;
  readonly windowControls: { minimize(): void; toggleMaximize(): void; close(): void };
}

/** `type` of the window message that brings the engine's port. */
export const ENGINE_PORT_MESSAGE = 'tokenscope:engine-port';

/** Web host: every call carries the key of the printed address (`#key=…`) in this header. */
export const TOKEN_HEADER = 'x-tokenscope-token';

/** Web host: answers a POST of `{ code }` with the key; the code is that of an address `#once=…`. */
export const KEY_ROUTE = '/api/key';

/** Web host: the port that it takes unless another one is asked for. */
export const DEFAULT_WEB_PORT = 4317;

/** Web host: where the files of the library's models are, by the model's id; needs the key. */
export const MODELS_ROUTE = '/api/models';

/** What `MODELS_ROUTE/ID` answers, as an AppAnswer; null for an id that stands for none. */
export interface ServedModel {
  name: string;
  files: { name: string; size: number }[];
  /** Another one when other files stand for the id, or the same were changed. */
  stamp: string;
}

/**
 * Trusted Types policies that the page's CSP allows, each to be made once: Svelte's own, and ours for the URL of the
 * engine's Worker.
 */
export const TRUSTED_TYPES_POLICIES = ['svelte-trusted-html', 'tokenscope'] as const;

/** Names of the messages between Electron's main process and the preload. */
export const IPC = {
  /** Page to main, answered with an AppAnswer: method, params. */
  invoke: 'tokenscope:invoke',
  /** Preload to main, answered with an AppAnswer: the path of a file that a person dropped on the page. */
  dropModel: 'tokenscope:drop-model',
  /** Page to main: from now on, send events; the present state first. */
  listen: 'tokenscope:listen',
  /** Main to page: one AppEvent. */
  event: 'tokenscope:event',
  /** Page to main: a port to the engine is wanted. Main to page: here it is. */
  enginePort: 'tokenscope:engine-port',
  /** Page to main: one WindowVerb. */
  window: 'tokenscope:window',
} as const;

export const WINDOW_VERBS = ['minimize', 'toggleMaximize', 'close'] as const;
export type WindowVerb = (typeof WINDOW_VERBS)[number];
