/** What a start loads. */
import { readFile } from 'node:fs/promises';
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

test.skip(process.platform !== 'linux', 'looks at processes through /proc');

test('the main process loads no OpenGL, and what it starts may', async ({ app }) => {
  await new ChatPage(app.page).ready();
  const maps = await readFile(`/proc/${app.electron?.process().pid}/maps`, 'utf8');
  expect(maps).toContain('libgtk-3');
  expect(maps).not.toMatch(/libGLX_|_dri\.so|libLLVM/);
  expect(await app.electron?.evaluate(() => 'GDK_GL' in process.env)).toBe(false);
});

test('no process only serves the network', async ({ app }) => {
  await new ChatPage(app.page).ready();
  const names = await app.electron?.evaluate(({ app: main }) =>
    main.getAppMetrics().map(({ name, type }) => name ?? type),
  );
  expect(names).toContain('Tokenscope engine');
  expect(names).not.toContain('Network Service');
});

test('without a GPU, Chromium draws with the CPU from the start, and has no WebGL', async ({ app }) => {
  const status = await app.electron?.evaluate(({ app: main }) => main.getGPUFeatureStatus());
  const isThere = (await readFile('/proc/devices', 'utf8')).match(/ (drm|nvidia\w*)$/m) !== null;
  test.skip(isThere, 'this computer has a GPU driver, so Chromium may draw with it');
  expect(status?.gpu_compositing).toBe('disabled_software');
  await new ChatPage(app.page).ready();
  expect(await app.page.evaluate(() => document.createElement('canvas').getContext('webgl'))).toBeNull();
});
