import type { RunningApp } from './app.ts';

type Saved = [name: string, state: string];

/** Saves a text that `start` makes the app ask a path for, at `path`. @returns the name that it was given; null in Electron */
export async function saveAsked(app: RunningApp, path: string, start: () => Promise<unknown>): Promise<string | null> {
  if (app.electron === null) return await saveOffered(app, path, start);
  await app.electron.evaluate(({ dialog }, filePath) => {
    dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath });
  }, path);
  await start();
  return null;
}

/** Saves the file that `start` makes the page offer, at `path`. @returns the name that the page gave it */
export async function saveOffered(app: RunningApp, path: string, start: () => Promise<unknown>): Promise<string> {
  if (app.electron === null) {
    const download = app.page.waitForEvent('download');
    await start();
    await (await download).saveAs(path);
    return (await download).suggestedFilename();
  }
  // Instead of the dialog, which nobody can answer here. It must be awaited first, or the file may come before it.
  await app.electron.evaluate(({ session }, target) => {
    const saved = new Promise<Saved>((resolve) => {
      session.defaultSession.once('will-download', (_, item) => {
        item.setSavePath(target);
        item.once('done', (_event, state) => resolve([item.getFilename(), state]));
      });
    });
    Object.assign(globalThis, { saved });
  }, path);
  await start();
  const [name, state] = await app.electron.evaluate(() => (globalThis as unknown as { saved: Promise<Saved> }).saved);
  if (state !== 'completed') throw new Error(`${name} was not saved: ${state}`);
  return name;
}
