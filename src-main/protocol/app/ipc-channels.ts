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
} as const;

export const WINDOW_VERBS = ['minimize', 'toggleMaximize', 'close'] as const;
export type WindowVerb = (typeof WINDOW_VERBS)[number];
