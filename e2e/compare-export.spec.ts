/** Exports of Compare that need a browser: the picture, and saving a file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storedComparison } from '../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { ChatPage } from './pages/chat.ts';
import { bundleForPage } from './support/page-bundle.ts';
import { expect, test, type RunningApp } from './support/test.ts';

/** Evaluates expressions beside the app, in its page, past its content security policy. */
async function evaluator(app: RunningApp): Promise<(expression: string) => Promise<unknown>> {
  await new ChatPage(app.page).ready();
  const session = await app.context.newCDPSession(app.page);
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };
  await evaluate(await bundleForPage(join(import.meta.dirname, 'compare-export/page.ts'), 'compareExport'));
  return evaluate;
}

test('a picture of a run has the colours of the theme, lanes and tokens', async ({ app }) => {
  const evaluate = await evaluator(app);
  const styles = (await evaluate(
    `Object.fromEntries(['--surface-1', '--lane-1', '--lane-2', '--prob-3', '--text-1'].map((name) =>
      [name, getComputedStyle(document.documentElement).getPropertyValue(name).trim()]))`,
  )) as Record<string, string>;
  const run = JSON.stringify(storedComparison());
  const picture = (await evaluate(`readPicture(${run})`)) as {
    width: number;
    height: number;
    pixels: Record<string, number>;
  };
  // Two lanes of 320 px, a gap and margins of 24 px, at two device pixels each.
  expect(picture.width).toBe(2 * (2 * 320 + 3 * 24));
  expect(picture.height).toBeGreaterThan(600);
  expect(picture.height).toBeLessThan(2000);
  const count = (name: string) => picture.pixels[styles[name] ?? ''] ?? 0;
  expect(count('--surface-1')).toBeGreaterThan((picture.width * picture.height) / 2);
  // The bars and badges of the lanes.
  for (const lane of ['--lane-1', '--lane-2']) expect(count(lane), lane).toBeGreaterThan(2 * 640);
  // ` cat` of lane A and ` dog` of lane B have a probability in this tenth: exp(-1) = 0.37.
  expect(count('--prob-3')).toBeGreaterThan(100);
  expect(count('--text-1')).toBeGreaterThan(100);
});

test('a file that the page made is saved', async ({ app, dataDir }) => {
  const evaluate = await evaluator(app);
  const path = join(dataDir, 'saved.md');
  if (app.electron === null) {
    const download = app.page.waitForEvent('download');
    await evaluate(`saveText('# Run', 'compare.md')`);
    expect((await download).suggestedFilename()).toBe('compare.md');
    await (await download).saveAs(path);
  } else {
    // Instead of the dialog, which nobody can answer here.
    const saved = app.electron.evaluate(
      ({ session }, target) =>
        new Promise<string>((resolve) => {
          session.defaultSession.once('will-download', (_, item) => {
            item.setSavePath(target);
            item.once('done', (_event, state) => resolve(`${item.getFilename()} ${state}`));
          });
        }),
      path,
    );
    await evaluate(`saveText('# Run', 'compare.md')`);
    expect(await saved).toBe('compare.md completed');
  }
  expect(await readFile(path, 'utf8')).toBe('# Run');
});
