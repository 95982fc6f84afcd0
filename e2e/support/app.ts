import type { BrowserContext, ElectronApplication, Page } from '@playwright/test';
import type { AppAnswer } from '../../src-main/protocol/app/app-bridge.ts';
import type { AppMethodName, AppMethods } from '../../src-main/protocol/app/app-services.ts';
import type { Guard } from './guard.ts';

/** `site`: the static web build, offline, without services that a test could call. */
export type Host = 'electron' | 'web' | 'site';

export type Invoke = <M extends AppMethodName>(
  method: M,
  ...params: AppMethods[M]['params']
) => Promise<AppMethods[M]['result']>;

/** The running app in a test, the same for all hosts. */
export interface RunningApp {
  readonly host: Host;
  /** The window; another object after `restart`. */
  readonly page: Page;
  readonly context: BrowserContext;
  /** Folder of this app's chats and settings. */
  readonly dataDir: string;
  readonly guard: Guard;
  /** Electron's main process; null in the browser. */
  readonly electron: ElectronApplication | null;
  /** Origin of the interface. */
  readonly origin: string;
  /** The process that was started: Electron's main process or the web host. */
  readonly pid: number;
  /** The app's own services, called like from its page. */
  readonly services: { invoke: Invoke };
  /**
   * Quits the app and starts it again on the same data.
   * @param options `keepsBrowser`: a browser stays open and knows the app, instead of a new one that has never seen it
   * @returns how long quitting took, ms
   */
  restart(options?: { keepsBrowser?: boolean }): Promise<number>;
  /** Kills the app, like a crash or a power cut, and starts it again on the same data. */
  crash(): Promise<void>;
  /** Kills the engine: SIGKILL for the utility process, terminate() for the browser's worker. */
  killEngine(): Promise<void>;
  /** Closes the page, which first saves its changes; the services still respond. */
  leavePage(): Promise<void>;
  /** Opens the page again after `leavePage`. @returns why it cannot be opened as after a start, or null */
  openPage(): Promise<string | null>;
  /** Quits; returns the processes that should have exited and have not. */
  close(): Promise<number[]>;
}

export interface LaunchOptions {
  dataDir: string;
  guard: Guard;
  /** More environment variables for the app. */
  env?: Record<string, string>;
  /** More arguments for Electron. */
  args?: readonly string[];
}

/** @throws Error with the service's message and code */
export function unwrap(answer: AppAnswer): unknown {
  if ('error' in answer) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer.result;
}
