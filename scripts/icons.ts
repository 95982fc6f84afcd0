/** `npx tsx scripts/icons.ts`: renders the app's icons from build/icons/icon.svg. Run it after changing that file. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { findChromium } from './lib/chromium.ts';
import { icnsFile, icoFile, type IconPicture } from './lib/icon-files.ts';
import { root } from './lib/run.ts';

const SIZES = [16, 24, 32, 48, 64, 128, 256, 512, 1024];
const WINDOW_ICON_SIZE = 256;

const executablePath = findChromium();
if (!executablePath) throw new Error('Drawing the icons needs Chromium: npx tsx scripts/system-packages.ts');
const svg = await readFile(join(root, 'build/icons/icon.svg'), 'utf8');
const browser = await chromium.launch({ executablePath });
const page = await browser.newPage();
const pictures: IconPicture[] = [];
for (const size of SIZES) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>body { margin: 0 } svg { display: block; width: 100vw; height: 100vh }</style>${svg}`);
  const png = await page.screenshot({ omitBackground: true });
  pictures.push({ size, png });
  await writeFile(join(root, `build/icons/${size}x${size}.png`), png);
  if (size === WINDOW_ICON_SIZE) await writeFile(join(root, 'resources/icon.png'), png);
}
await browser.close();
await writeFile(join(root, 'build/icon.ico'), icoFile(pictures));
await writeFile(join(root, 'build/icon.icns'), icnsFile(pictures));
