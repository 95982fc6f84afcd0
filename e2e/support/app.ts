import type { BrowserContext, ElectronApplication, Page } from '@playwright/test';
import type { AppAnswer } from '../../src-main/protocol/app/app-bridge.ts';
import type { AppMethodName, AppMethods } from '../../src-main/protocol/app/app-services.ts';
import type { Guard } from './guard.ts';

export type Host = 'electron' | 'web';

export type Invoke = <M extends AppMethodName>(
  method: M,
  ...params: AppMethods[M]['params']
) => Promise<AppMethods[M]['result']>;

/** The running app as a test sees it, the same for both hosts. */
export interface RunningApp {
  readonly host: Host;
  /** The window; another object after `restart`. */
  readonly page: Page;
  readonly context: BrowserContext;
  /** Folder that holds this app's chats and settings. */
  readonly dataDir: string;
  readonly guard: Guard;
  /** Electron's main process; null in the browser. */
  readonly electron: ElectronApplication | null;
  /** Origin of the interface. */
  readonly origin: string;
  /** The process that was started: Electron's main process or the web host. */
  readonly pid: number;
  /** The app's own services, asked as its page asks them. */
  readonly services: { invoke: Invoke };
  /** Quits the app and starts it again on the same data. */
  restart(): Promise<void>;
  /** Ends the app without warning, as a crash or a power cut does, and starts it again on the same data. */
  crash(): Promise<void>;
  /** Ends the engine without warning: SIGKILL for the utility process, terminate() for the browser's worker. */
  killEngine(): Promise<void>;
  /** Ends the page, which saves what it has to save; the services still answer. */
  leavePage(): Promise<void>;
  /** Opens the page anew after `leavePage`. @returns why that cannot be done as after a start; null: it was done */
  openPage(): Promise<string | null>;
  /** Quits; gives the processes that should have ended and have not. */
  close(): Promise<number[]>;
}

export interface LaunchOptions {
  dataDir: string;
  guard: Guard;
  /** More environment variables for the app. */
  env?: Record<string, string>;
}

/** @throws Error with the service's message and code */
export function unwrap(answer: AppAnswer): unknown {
  if ('error' in answer) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer.result;
}
