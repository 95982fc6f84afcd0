import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const FIXED_PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

/** Arguments that give pages WebGPU without a graphics card. */
export const SOFTWARE_WEBGPU = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** A Chromium for the browser tests: TOKENSCOPE_CHROMIUM, the system's, or the one installed by Playwright. */
export function findChromium(): string | null {
  const override = process.env.TOKENSCOPE_CHROMIUM;
  if (override) return existsSync(override) ? override : null;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const places = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)));
  return [...places, ...FIXED_PATHS, chromium.executablePath()].find((path) => existsSync(path)) ?? null;
}
