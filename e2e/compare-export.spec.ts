/** Exports of Compare that need a browser: the picture, and saving a file. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { storedComparison } from '../src-main/protocol/app/comparisons/test-support/comparisons.ts';
import { ChatPage } from './pages/chat.ts';
import { bundleForPage, pageEvaluator } from './support/page-bundle.ts';
import { saveOffered } from './support/saved-file.ts';
import { expect, test, type RunningApp } from './support/test.ts';

/** The app's page with the functions of `compare-export/page.ts`. */
async function evaluator(app: RunningApp): Promise<(expression: string) => Promise<unknown>> {
  await new ChatPage(app.page).ready();
  const evaluate = await pageEvaluator(app);
  await evaluate(await bundleForPage(join(import.meta.dirname, 'compare-export/page.ts'), 'compareExport'));
  return evaluate;
}

test('a picture of a run has the colours of the theme, lanes and tokens', { tag: '@full' }, async ({ app }) => {
  const evaluate = await evaluator(app);
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
  const count = async (name: string) => picture.pixels[String(await evaluate(`colourOf('${name}')`))] ?? 0;
  expect(await count('--surface-1')).toBeGreaterThan((picture.width * picture.height) / 2);
  // The bars and badges of the lanes.
  for (const lane of ['--lane-1', '--lane-2']) expect(await count(lane), lane).toBeGreaterThan(2 * 640);
  // ` cat` of lane A and ` dog` of lane B have a probability in this tenth: exp(-1) = 0.37.
  // More than in the legend.
  expect(await count('--prob-3')).toBeGreaterThan(1000);
  // The dotted underline of those two, which are below 0.5.
  expect(await count('--prob-line-2')).toBeGreaterThan(20);
  expect(await count('--text-1')).toBeGreaterThan(100);
});

test('a file that the page made is saved', async ({ app, dataDir }) => {
  const evaluate = await evaluator(app);
  const path = join(dataDir, 'saved.md');
  expect(await saveOffered(app, path, () => evaluate(`saveText('# Run', 'compare.md')`))).toBe('compare.md');
  expect(await readFile(path, 'utf8')).toBe('# Run');
});
