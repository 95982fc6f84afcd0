/** Every picture of the view Inside is saved, and its files are read back. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PAGES } from '../src-renderer/features/inside/steps.ts';
import { ChatPage } from './pages/chat.ts';
import { InsidePage } from './pages/inside.ts';
import { saveOffered } from './support/saved-file.ts';
import { expect, test } from './support/test.ts';

/** Pictures on all pages, at least: some pages have three. */
const PICTURES = 20;

/** Width and height, px. */
function pngSize(file: Buffer): [number, number] {
  return [file.readUInt32BE(16), file.readUInt32BE(20)];
}

/** The texts of an SVG, if it is well-formed: every tag and attribute that the app writes is removed. */
function withoutTags(svg: string): string {
  return svg.replaceAll(/<\/?(?:svg|title|rect|line|text)(?: [\w:-]+="[^"<>]*")*\/?>/gu, '');
}

test('every picture is exported', { tag: '@full' }, async ({ app, dataDir }) => {
  test.setTimeout(300_000);
  const { page } = app;
  await new ChatPage(page).ready();
  const inside = new InsidePage(page);
  await inside.show();
  let pictures = 0;
  for (const { id } of PAGES) {
    await inside.step(id);
    if (id === 'what-if') await inside.id('head-off').click();
    if (id === 'loop') {
      await inside.id('measure-loop').click();
      await expect(inside.id('times')).toBeVisible();
    }
    const figures = page.getByTestId('step-page').locator('figure');
    await expect(figures.first()).toBeVisible();
    await expect(page.getByTestId('step-page').locator('[aria-busy="true"]')).toHaveCount(0);
    for (let at = 0; at < (await figures.count()); at++) {
      const figure = figures.nth(at);
      const title = (await figure.locator('figcaption h2').textContent()) ?? '';
      const files = new Map<string, Buffer>();
      for (const format of ['png', 'svg', 'csv', 'json'] as const) {
        const path = join(dataDir, `picture.${format}`);
        await figure.getByTestId('export').click();
        const name = await saveOffered(app, path, () => inside.id(`export-${format}`).click());
        expect(name).toMatch(new RegExp(`^[a-z0-9-]+\\.${format}$`, 'u'));
        files.set(format, await readFile(path));
      }
      const [width, height] = pngSize(files.get('png')!);
      expect(Math.min(width, height), title).toBeGreaterThan(10);
      const svg = files.get('svg')!.toString();
      const sizes = /^<svg [^>]*width="(\d+)" height="(\d+)"/u.exec(svg);
      // Two pixels of the PNG for each of the SVG.
      expect([Number(sizes?.[1]) * 2, Number(sizes?.[2]) * 2], title).toEqual([width, height]);
      expect(withoutTags(svg), title).not.toMatch(/[<>]|&(?!(?:amp|lt|gt|quot);)/u);
      const json = JSON.parse(files.get('json')!.toString()) as { title: string; columns: string[]; rows: unknown[][] };
      expect(json.title).toBe(title);
      expect(json.rows.every((row) => row.length === json.columns.length)).toBe(true);
      const lines = files.get('csv')!.toString().trimEnd().split('\r\n');
      expect(lines.length, title).toBe(json.rows.length + 1);
      expect(lines[0]?.split(',').length).toBeGreaterThanOrEqual(json.columns.length);
      pictures += 1;
    }
  }
  expect(pictures).toBeGreaterThanOrEqual(PICTURES);
});
