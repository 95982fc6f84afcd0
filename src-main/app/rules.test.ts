import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../services/test-support/support.ts';
import { appResource, isShownFirst } from './app-protocol.ts';
import { CrashGuard } from './crash-guard.ts';
import { isTrustedFrame, isWindowVerb } from './ipc.ts';
import { isAllowedRequest, isAppPage, isOwnFile, isPermitted } from './security.ts';
import { cascade, placeWindow, readWindows, writeWindows, zoomedLevel } from './window-state.ts';

// Outside of Electron its module is empty; nothing tested here needs it.
vi.mock('electron', () => ({ app: {}, ipcMain: {}, net: {}, protocol: {} }));

test('during the start, only what the page draws first is served', () => {
  for (const resource of ['/index.html', '/assets/index-a1.css', '/assets/text-a1.woff2']) {
    expect(isShownFirst(resource)).toBe(true);
  }
  for (const resource of ['/assets/index-a1.js', '/engine.worker.js', '/main.ts']) {
    expect(isShownFirst(resource)).toBe(false);
  }
});

test('the app’s scheme answers for its own host only', () => {
  expect(appResource('app://tokenscope/', 'GET')).toBe('/index.html');
  expect(appResource('app://tokenscope', 'GET')).toBe('/index.html');
  expect(appResource('app://tokenscope/assets/a.js?x=1#y', 'HEAD')).toBe('/assets/a.js');
  expect(appResource('app://evil/index.html', 'GET')).toBe(404);
  expect(appResource('app://tokenscope.evil/', 'GET')).toBe(404);
  expect(appResource('app://user@tokenscope/', 'GET')).toBe(404);
  expect(appResource('file:///etc/passwd', 'GET')).toBe(404);
  expect(appResource('nonsense', 'GET')).toBe(404);
  expect(appResource('app://tokenscope/', 'POST')).toBe(405);
});

test('messages are accepted from the top frame of the app’s own page only', () => {
  expect(isTrustedFrame({ origin: 'app://tokenscope', parent: null })).toBe(true);
  expect(isTrustedFrame({ origin: 'app://tokenscope', parent: {} })).toBe(false);
  expect(isTrustedFrame(null)).toBe(false);
  for (const origin of ['app://tokenscope.evil', 'app://evil', 'https://tokenscope', 'file://', 'null', '']) {
    expect(isTrustedFrame({ origin, parent: null }), origin).toBe(false);
  }
  expect(isWindowVerb('minimize')).toBe(true);
  for (const verb of ['destroy', 'constructor', 1, null, undefined, {}]) expect(isWindowVerb(verb)).toBe(false);
});

test('requests reach the app itself and nothing else', () => {
  expect(isAllowedRequest('app://tokenscope/index.html', null)).toBe(true);
  expect(isAllowedRequest('devtools://devtools/bundled/x.js', null)).toBe(true);
  for (const url of [
    'https://example.org/',
    'http://127.0.0.1/',
    'ws://localhost:5173/',
    'file:///etc/passwd',
    'ftp://a',
    'x',
  ]) {
    expect(isAllowedRequest(url, null), url).toBe(false);
  }
  const devServer = 'http://localhost:5173';
  expect(isAllowedRequest('http://localhost:5173/app/main.ts', devServer)).toBe(true);
  expect(isAllowedRequest('ws://localhost:5173/?token=x', devServer)).toBe(true);
  expect(isAllowedRequest('http://localhost:5174/', devServer)).toBe(false);
  expect(isAllowedRequest('https://localhost:5173/', devServer)).toBe(false);
});

test('the page cannot navigate, and has no permission except copying', () => {
  expect(isAppPage('app://tokenscope/index.html')).toBe(true);
  expect(isAppPage('app://tokenscope/index.html#models')).toBe(true);
  for (const url of [
    'app://tokenscope/',
    'app://tokenscope/index.html?x',
    'https://example.org/',
    'file:///index.html',
  ]) {
    expect(isAppPage(url), url).toBe(false);
  }
  expect(isPermitted('clipboard-sanitized-write', 'app://tokenscope')).toBe(true);
  expect(isPermitted('clipboard-sanitized-write', 'app://tokenscope/index.html')).toBe(true);
  expect(isPermitted('clipboard-sanitized-write', 'app://tokenscope.evil/')).toBe(false);
  for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'fullscreen', 'openExternal']) {
    expect(isPermitted(permission, 'app://tokenscope'), permission).toBe(false);
  }
});

test('only files that the page made can be saved', () => {
  expect(isOwnFile('blob:app://tokenscope/0b7c5ad4-0000-4000-8000-000000000000')).toBe(true);
  for (const url of [
    'blob:app://tokenscope.evil/x',
    'blob:https://example.org/x',
    'app://tokenscope/index.html',
    'https://example.org/x.exe',
    'data:text/plain,x',
  ]) {
    expect(isOwnFile(url), url).toBe(false);
  }
});

test('a page that crashes repeatedly is not reloaded automatically', () => {
  const guard = new CrashGuard();
  expect([0, 1000, 2000, 3000].map((now) => guard.mayReload(now))).toEqual([true, true, true, false]);
  expect(guard.mayReload(100_000)).toBe(true);
  guard.mayReload(100_001);
  guard.mayReload(100_002);
  guard.reset();
  expect(guard.mayReload(100_003)).toBe(true);
});

test('the window opens at its last position, if it can be reached there', () => {
  const main = { x: 0, y: 0, width: 1920, height: 1040 };
  const second = { x: 1920, y: 0, width: 1280, height: 984 };
  const size = { width: 1000, height: 700 };
  expect(placeWindow(null, [main])).toEqual({ width: 1280, height: 800 });
  expect(placeWindow(null, [{ ...main, width: 1024, height: 700 }])).toEqual({ width: 1024, height: 700 });
  expect(placeWindow({ x: 2000, y: 50, ...size }, [main, second])).toEqual({ x: 2000, y: 50, ...size });
  // Its screen is gone, or its title bar is out of reach.
  expect(placeWindow({ x: 2000, y: 50, ...size }, [main])).toEqual(size);
  expect(placeWindow({ x: 0, y: -50, ...size }, [main])).toEqual(size);
  expect(placeWindow({ x: 0, y: 1030, ...size }, [main])).toEqual(size);
  expect(placeWindow({ x: 5, y: 5, width: 9000, height: 10 }, [main])).toEqual({
    x: 5,
    y: 5,
    width: 1920,
    height: 600,
  });
});

test('a further window leaves the title bar of the one before in reach', () => {
  expect(cascade({ x: 10, y: 20, width: 800, height: 700 })).toEqual({ x: 42, y: 52, width: 800, height: 700 });
});

test('zoom moves in half steps, within limits, and resets', () => {
  expect(zoomedLevel(0, 1)).toBe(0.5);
  expect(zoomedLevel(5, 1)).toBe(5);
  expect(zoomedLevel(-3, -1)).toBe(-3);
  expect(zoomedLevel(2.5, 0)).toBe(0);
});

test('windows are restored, and invalid values are ignored', async () => {
  const folder = await temporaryFolder();
  expect(await readWindows(folder)).toBeNull();
  const bounds = { x: 1, y: 2, width: 800, height: 700 };
  const behind = { bounds: { ...bounds, x: 33 }, maximized: false, hash: '#chat=' };
  const front = { bounds, maximized: true, hash: '#chat=0b7c5ad4' };
  const saved = { windows: [behind, front], zoomLevel: 1.5 };
  await writeWindows(folder, saved);
  expect(await readWindows(folder)).toEqual(saved);
  // As an earlier version wrote it.
  await writeFile(join(folder, 'window.json'), JSON.stringify({ bounds, maximized: true }));
  expect(await readWindows(folder)).toEqual({ windows: [{ bounds, maximized: true, hash: '' }], zoomLevel: 0 });
  await writeFile(join(folder, 'window.json'), JSON.stringify({ bounds, maximized: false, hash: '#<b>', others: 1 }));
  expect(await readWindows(folder)).toEqual({ windows: [{ bounds, maximized: false, hash: '' }], zoomLevel: 0 });
  for (const text of ['{', 'null', '{"bounds":{"x":1e999,"y":0,"width":1,"height":1},"maximized":false}']) {
    await writeFile(join(folder, 'window.json'), text);
    expect(await readWindows(folder), text).toBeNull();
  }
});
