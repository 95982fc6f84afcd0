/** The app quits on request, whatever is open, and a second start always shows a window. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sandboxProblem } from '../scripts/lib/processes.ts';
import { root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import type { RunningApp } from './support/app.ts';
import { leftOver, processTree } from './support/processes.ts';
import { expect, test } from './support/test.ts';

test.use({ freshApp: true });
test.skip(process.platform !== 'linux', 'looks at processes through /proc');

/** Opens the system's dialog, which nobody answers. */
async function openDialog(app: RunningApp): Promise<void> {
  const chat = new ChatPage(app.page);
  await chat.ready();
  // Checked in the main process: the dialog is not a page.
  await app.electron?.evaluate(({ dialog }) => {
    const original = dialog.showOpenDialog.bind(dialog) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(dialog, {
      showOpenDialog: (...args: unknown[]) => {
        Object.assign(globalThis, { dialogIsOpen: true });
        return original(...args);
      },
    });
  });
  await chat.id('nav-models').click();
  await chat.id('open-model').click();
  await expect.poll(() => app.electron?.evaluate(() => 'dialogIsOpen' in globalThis)).toBe(true);
}

const ways: Record<string, (app: RunningApp) => Promise<unknown>> = {
  'its window is closed': async ({ electron }) =>
    await electron?.evaluate(({ BrowserWindow }) => setTimeout(() => BrowserWindow.getAllWindows()[0]?.close())),
  'SIGTERM arrives': async ({ electron }) => electron?.process().kill('SIGTERM'),
};

for (const [what, end] of Object.entries(ways)) {
  test(`the app quits despite an open dialog when ${what}`, { tag: '@full' }, async ({ app }) => {
    await openDialog(app);
    const tree = await processTree(app.electron?.process().pid ?? 0);
    expect(tree.length).toBeGreaterThan(2);
    await end(app);
    expect(await leftOver(tree)).toEqual([]);
  });
}

test('a shutdown ends an app that is starting', { tag: '@full' }, async ({ app, dataDir }) => {
  test.setTimeout(120_000);
  const { spawnfile } = app.electron?.process() ?? { spawnfile: '' };
  await app.electron?.close();
  for (const afterMs of [100, 300, 500, 700, 900, 1200, 1600, 2000]) {
    const starting = spawn(spawnfile, [root, ...(sandboxProblem() ? ['--no-sandbox'] : [])], {
      env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
      stdio: 'ignore',
    });
    await sleep(afterMs);
    const tree = await processTree(starting.pid ?? 0);
    for (const pid of tree) kill(pid);
    expect(await leftOver(tree), `${afterMs} ms after the start`).toEqual([]);
  }
});

test('the app quits while a new window is being opened', { tag: '@full' }, async ({ app, dataDir }) => {
  // Five starts.
  test.setTimeout(120_000);
  for (const afterMs of [0, 50, 150, 300]) {
    await new ChatPage(app.page).ready();
    const tree = await processTree(app.pid);
    const closed = app.electron?.waitForEvent('close');
    await app.electron?.evaluate(({ app: main, Menu }, ms) => {
      Menu.getApplicationMenu()?.getMenuItemById('new-window')?.click();
      setTimeout(() => main.quit(), ms);
    }, afterMs);
    expect(await leftOver(tree), `${afterMs} ms after a window was asked for`).toEqual([]);
    await closed;
    // One window at the next start.
    await rm(join(dataDir, 'window.json'), { force: true });
    await app.restart();
  }
});

test('a second start opens a window if the first has none', async ({ app, dataDir }) => {
  await new ChatPage(app.page).ready();
  const windows = () => app.electron?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length);
  await app.electron?.evaluate(({ app: main, BrowserWindow }) => {
    // As on macOS, where the app keeps running without a window.
    main.removeAllListeners('window-all-closed');
    main.on('window-all-closed', () => undefined);
    BrowserWindow.getAllWindows()[0]?.destroy();
  });
  await expect.poll(windows).toBe(0);
  const opened = app.electron?.waitForEvent('window');
  const { spawnfile } = app.electron?.process() ?? { spawnfile: '' };
  const second = spawn(spawnfile, [root, ...(sandboxProblem() ? ['--no-sandbox'] : [])], {
    env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
    stdio: 'ignore',
  });
  expect(await once(second, 'exit')).toEqual([0, null]);
  await new ChatPage((await opened)!).ready();
  expect(await windows()).toBe(1);
});

test('unsaved changes are confirmed before the window closes', async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  // Without user interaction the browser would not ask.
  await chat.id('composer').click();
  await app.page.evaluate(() => window.addEventListener('beforeunload', (event) => event.preventDefault()));
  const answer = (response: number) =>
    app.electron?.evaluate(({ dialog, BrowserWindow }, button) => {
      Object.assign(globalThis, { asked: [], answered: false });
      Object.assign(dialog, {
        showMessageBox: (_window: unknown, { buttons }: { buttons: string[] }) => {
          (globalThis as unknown as { asked: string[][] }).asked.push(buttons);
          // Never at once, like a person's answer.
          return new Promise((resolve) =>
            setTimeout(() => {
              resolve({ response: button });
              setTimeout(() => Object.assign(globalThis, { answered: true }));
            }, 100),
          );
        },
      });
      setTimeout(() => BrowserWindow.getAllWindows()[0]?.close());
    }, response);
  const asked = () => app.electron?.evaluate(() => (globalThis as unknown as { asked: string[][] }).asked);

  const tree = await processTree(app.electron?.process().pid ?? 0);
  await answer(1);
  await expect.poll(asked).toEqual([['Quit anyway', 'Cancel']]);
  await expect.poll(() => app.electron?.evaluate(() => Reflect.get(globalThis, 'answered'))).toBe(true);
  await expect(chat.id('composer')).toBeVisible();
  await answer(0);
  expect(await leftOver(tree)).toEqual([]);
});

test('the question about unsaved changes belongs to the window that has them', { tag: '@full' }, async ({ app }) => {
  const chat = new ChatPage(app.page);
  await chat.ready();
  await chat.id('composer').click();
  await app.page.evaluate(() => window.addEventListener('beforeunload', (event) => event.preventDefault()));
  const id = await app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]!.id);
  const opened = app.electron!.waitForEvent('window');
  await app.electron!.evaluate(({ Menu }) => Menu.getApplicationMenu()?.getMenuItemById('new-window')?.click());
  // In front of the other.
  await new ChatPage(await opened).ready();
  await app.electron!.evaluate(({ BrowserWindow, dialog }, behind) => {
    const asked: unknown[] = [];
    Object.assign(globalThis, { asked });
    Object.assign(dialog, {
      showMessageBox: (parent: { id: number }, { buttons }: { buttons: string[] }) => {
        asked.push({ parent: parent.id, buttons });
        return new Promise((resolve) => setTimeout(() => resolve({ response: 0 }), 100));
      },
    });
    setTimeout(() => BrowserWindow.fromId(behind)?.close());
  }, id);
  const asked = () => app.electron!.evaluate(() => Reflect.get(globalThis, 'asked') as unknown);
  await expect.poll(asked).toEqual([{ parent: id, buttons: ['Close anyway', 'Cancel'] }]);
  const ids = () =>
    app.electron!.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().map((window) => window.id));
  await expect.poll(ids).not.toContain(id);
  expect(await ids()).toHaveLength(1);
});

/** As the system does with every process of an app when it shuts down. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    // It followed its parent.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
