/** Packaged apps are reached through Chromium's debugger, because their fuses turn off Node's. */
import { chromium, type Browser } from '@playwright/test';
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export const DEBUGGER = '--remote-debugging-port=0';

const OPEN_MS = 30_000;
const POLL_MS = 50;

/**
 * Connects when the first window has its page: a page that is just being opened sometimes waits for the debugger forever.
 *
 * @param child the app, started with `DEBUGGER`, with a pipe for its errors
 */
export async function connectToWindow(child: ChildProcess): Promise<Browser> {
  const address = await addressOf(child);
  const list = `http://${new URL(address).host}/json/list`;
  const deadline = Date.now() + OPEN_MS;
  for (;;) {
    const targets = (await (await fetch(list)).json()) as { type: string; title: string }[];
    if (targets.some(({ type, title }) => type === 'page' && title === 'Tokenscope')) break;
    if (Date.now() > deadline) throw new Error(`The app opened no window within ${OPEN_MS / 1000} seconds.`);
    await sleep(POLL_MS);
  }
  return await chromium.connectOverCDP(address);
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((done, failed) => {
    let output = '';
    const read = (text: Buffer) => {
      output += text.toString();
      const address = /DevTools listening on (ws:\S+)/.exec(output)?.[1];
      if (address) done(address);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', (code) => failed(new Error(`The app ended with ${code} before it opened a window:\n${output}`)));
  });
}
