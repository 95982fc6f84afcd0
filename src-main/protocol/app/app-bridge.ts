/** How a page reaches `AppServices`: what both hosts agree on, by name. */
import type { ErrorPayload } from '../../engine/api/types.ts';
import type { AppEvent, AppMethodName, AppMethods, ModelListing } from './app-services.ts';
import type { DesktopMessage, MenuCommand } from './desktop.ts';

/**
 * The result of one call. Errors are passed as data, because Electron's bridge keeps only an error's message. Over HTTP
 * this is the body of every response of `/api/invoke`.
 */
export type AppAnswer<T = unknown> = { result: T } | { error: ErrorPayload };

/** Electron's page: `window.tokenscope`, provided by the preload. */
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
   * Adds the model that a person dropped on the page: a GGUF file or a folder. The page does not see its path; a file
   * that is not on disk is refused. Never rejects: see AppAnswer.
   */
  dropModel(file: File): Promise<AppAnswer<ModelListing>>;
  /**
   * Sends the app's state (engine, read-only) at once, and later events as they occur. Returns the unsubscribe function.
   */
  onEvent(listener: (event: AppEvent) => void): () => void;
  /**
   * Requests a port to the engine. It arrives as a `message` event of the window with `data.type === ENGINE_PORT_MESSAGE`
   * and the port in `ports[0]`; after a restart a new one arrives without a request.
   */
  requestEnginePort(): void;
  readonly windowControls: { minimize(): void; toggleMaximize(): void; close(): void };
  /** Calls `listener` for each command of the menu. */
  onCommand(listener: (command: MenuCommand) => void): () => void;
  tellDesktop(message: DesktopMessage): void;
}

/** `type` of the window message with the engine's port. */
export const ENGINE_PORT_MESSAGE = 'tokenscope:engine-port';

/** Web host: header with the key of the printed address (`#key=…`), required by every call. */
export const TOKEN_HEADER = 'x-tokenscope-token';

/** Web host: responds to a POST of `{ code }` with the key; the code is that of an address `#once=…`. */
export const KEY_ROUTE = '/api/key';

/** Web host: responds to a POST of `{ nonce }` with the proof that it has the key (`known-host.ts`). */
export const PROOF_ROUTE = '/api/proof';

/** Web host: default port. */
export const DEFAULT_WEB_PORT = 4317;

/** Web host: route for the files of the library's models, by the model's id; requires the key. */
export const MODELS_ROUTE = '/api/models';

/** Response of `MODELS_ROUTE/ID`, as an AppAnswer; null for an unknown id. */
export interface ServedModel {
  name: string;
  files: { name: string; size: number }[];
  /** Changes when the id's files change. */
  stamp: string;
}

/**
 * Trusted Types policies that the page's CSP allows, each created once: Svelte's, and ours for the URL of the engine's
 * Worker.
 */
export const TRUSTED_TYPES_POLICIES = ['svelte-trusted-html', 'tokenscope'] as const;

/** Names of the messages between Electron's main process and the preload. */
export const IPC = {
  /** Page to main, returns an AppAnswer: method, params. */
  invoke: 'tokenscope:invoke',
  /** Preload to main, returns an AppAnswer: the path of a file that a person dropped on the page. */
  dropModel: 'tokenscope:drop-model',
  /** Page to main: start sending events, the current state first. */
  listen: 'tokenscope:listen',
  /** Main to page: one AppEvent. */
  event: 'tokenscope:event',
  /** Page to main: requests a port to the engine. Main to page: the port. */
  enginePort: 'tokenscope:engine-port',
  /** Page to main: one WindowVerb. */
  window: 'tokenscope:window',
  /** Page to main: one DesktopMessage. */
  desktop: 'tokenscope:desktop',
  /** Main to page: one MenuCommand. */
  command: 'tokenscope:command',
} as const;

export const WINDOW_VERBS = ['minimize', 'toggleMaximize', 'close'] as const;
export type WindowVerb = (typeof WINDOW_VERBS)[number];
