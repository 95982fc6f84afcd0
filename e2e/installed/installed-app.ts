/** The installed app, started as a person would, and reached through Chromium's debugger. */
import type { Page } from '@playwright/test';
import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { ChatPage } from '../pages/chat.ts';
import { connectToWindow, DEBUGGER } from '../support/debugger.ts';
import { processTree } from '../support/processes.ts';
import type { CleanRoot } from './clean-root.ts';

export interface InstalledApp {
  page: Page;
  chat: ChatPage;
  /** Seccomp modes of its processes by Chromium's name of their kind; 2 is a filter, the sandbox. */
  seccomp(): Promise<Map<string, number>>;
  quit(): Promise<void>;
}

const QUIT_MS = 15_000;

/** @param command what starts the app, without arguments */
export async function startInstalled(
  root: CleanRoot,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<InstalledApp> {
  return await attach(root.start([...command, DEBUGGER], { asUser: true, env }));
}

/** @param child the app, started with `DEBUGGER`, with pipes for its output */
export async function attach(child: ChildProcess): Promise<InstalledApp> {
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const browser = await connectToWindow(child);
  const context = browser.contexts()[0]!;
  const page = context.pages()[0] ?? (await context.waitForEvent('page'));
  return {
    page,
    chat: new ChatPage(page),
    async seccomp() {
      const modes = new Map<string, number>();
      for (const pid of await processTree(child.pid!)) {
        const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
        const kind = /--type=(\S+)/.exec(line)?.[1];
        const mode = /Seccomp:\s*(\d)/.exec(await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''))?.[1];
        if (kind !== undefined && mode !== undefined) modes.set(kind, Number(mode));
      }
      return modes;
    },
    async quit() {
      // Saves what a page has not saved yet.
      await page.evaluate(() => (window as unknown as Bridge).tokenscope.windowControls.close()).catch(() => undefined);
      const timer = setTimeout(() => child.kill('SIGKILL'), QUIT_MS);
      await ended;
      clearTimeout(timer);
      await browser.close().catch(() => undefined);
    },
  };
}

interface Bridge {
  tokenscope: { windowControls: { close(): void } };
}
