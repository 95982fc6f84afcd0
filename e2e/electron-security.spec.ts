import { join } from 'node:path';
import { root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { ModelsPage } from './pages/models.ts';
import { ADAPTER_MS, gpuPage, hiddenPage, SOFTWARE_ADAPTER } from './support/gpu-page.ts';
import { expect, test } from './support/test.ts';

test.beforeEach(async ({ app }) => new ChatPage(app.page).ready());

test('the page has no Node, and only the functions of the app that it needs', async ({ app }) => {
  const found = await app.page.evaluate(() => {
    const scope = window as unknown as Record<string, unknown>;
    return {
      node: ['require', 'process', 'Buffer', 'module', 'global'].filter((name) => name in scope),
      verbs: Object.keys(scope.tokenscope as object).sort(),
      isolated: crossOriginIsolated,
    };
  });
  expect(found).toEqual({
    node: [],
    verbs: [
      ...['dropModel', 'host', 'invoke', 'onCommand', 'onEvent', 'platform', 'requestEnginePort', 'tellDesktop'],
      'windowControls',
    ],
    isolated: true,
  });
});

test('the window is sandboxed and isolated, without webview or spellcheck', async ({ app }) => {
  const preferences = await app.electron?.evaluate(({ BrowserWindow }) => {
    // Not in the types, but the only way to see a window's actual preferences.
    const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
      getLastWebPreferences(): Record<string, unknown>;
    };
    const { sandbox, contextIsolation, nodeIntegration, webviewTag, webSecurity } = contents.getLastWebPreferences();
    const spellcheck = BrowserWindow.getAllWindows()[0]?.webContents.session.isSpellCheckerEnabled();
    return { sandbox, contextIsolation, nodeIntegration, webviewTag: webviewTag ?? false, spellcheck, webSecurity };
  });
  expect(preferences).toEqual({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    webviewTag: false,
    spellcheck: false,
    webSecurity: true,
  });
});

test('the page is served with a policy that allows nothing but itself', async ({ app }) => {
  const headers = await app.page.evaluate(async () => Object.fromEntries((await fetch(location.href)).headers));
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).toContain("require-trusted-types-for 'script'");
  expect(headers['content-security-policy']).not.toMatch(/unsafe-inline|unsafe-eval|https?:/);
  expect(headers['cross-origin-opener-policy']).toBe('same-origin');
  expect(headers['cross-origin-embedder-policy']).toBe('require-corp');
});

test('the window cannot navigate elsewhere', async ({ app }) => {
  app.guard.allow(/Not allowed to (load|navigate)|request leaves the app|console error/);
  for (const url of ['https://example.com/', 'file:///etc/passwd', 'app://other/index.html', 'data:text/html,hello']) {
    await test.step(url, async () => {
      const before = app.page.url();
      const opened = await app.page.evaluate((target) => {
        const popup = window.open(target);
        location.href = target;
        return popup !== null;
      }, url);
      expect(opened).toBe(false);
      await app.page.waitForTimeout(300);
      expect(app.page.url()).toBe(before);
      expect(await app.electron?.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
    });
  }
});

test('no request leaves the app, even past the page policy, and the log names the attempt', async ({ app }) => {
  app.guard.allow(/request leaves the app|console error/);
  // From the main process's session, where no page policy applies: the request filter alone must block it.
  const result = await app.electron?.evaluate(async ({ BrowserWindow }) => {
    const session = BrowserWindow.getAllWindows()[0]?.webContents.session;
    return session?.fetch('http://127.0.0.1:9/').then(
      () => 'went out',
      (error: unknown) => String(error),
    );
  });
  expect(result).toMatch(/ERR_BLOCKED_BY_CLIENT/);
  const log = await app.services.invoke('networkLog');
  expect(log).toContainEqual(expect.objectContaining({ url: 'http://127.0.0.1:9/', result: 'refused' }));
});

test('permissions are denied', async ({ app }) => {
  app.guard.allow(/camera is not allowed/);
  expect(await app.page.evaluate(() => Notification.requestPermission())).toBe('denied');
  const camera = await app.page.evaluate(() =>
    navigator.mediaDevices.getUserMedia({ video: true }).then(
      () => 'granted',
      (error: unknown) => (error as DOMException).name,
    ),
  );
  expect(camera).not.toBe('granted');
});

test('another origin with the same preload is refused', async ({ app }) => {
  const answer = await app.electron?.evaluate(
    async ({ BrowserWindow }, preload) => {
      const window = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } });
      try {
        await window.loadURL('about:blank');
        return (await window.webContents.executeJavaScript(
          `(async () => { try { return await window.tokenscope.invoke('settingsGet'); } catch (error) { return String(error); } })()`,
        )) as unknown;
      } finally {
        window.destroy();
      }
    },
    join(root, 'out/preload/preload.cjs'),
  );
  // The app's own response, rather than a missing bridge.
  expect(JSON.stringify(answer)).toMatch(/BAD_REQUEST|refused/);
  expect(JSON.stringify(answer)).not.toContain('temperature');
});

test('the app refuses an unknown method, a path as an id, a wrong setting and a link that is not https', async ({
  app,
}) => {
  for (const [method, params] of [
    ['readFile', ['/etc/passwd']],
    ['chatGet', ['../../settings']],
    ['settingsSet', [{ theme: 42 }]],
    ['openExternal', ['file:///etc/passwd']],
  ] as const) {
    const refused = await app.page.evaluate(
      async ([name, args]) => {
        const bridge = (window as unknown as { tokenscope: { invoke(...all: unknown[]): Promise<unknown> } })
          .tokenscope;
        try {
          return JSON.stringify(await bridge.invoke(name, ...args));
        } catch (error) {
          return `thrown: ${String(error)}`;
        }
      },
      [method, params] as const,
    );
    expect(refused).toMatch(/BAD_REQUEST|thrown/);
    expect((await app.services.invoke('settingsGet')).theme).toBe('system');
  }
});

test('files outside the interface are not served', async ({ app }) => {
  app.guard.allow(/404|console error/);
  for (const path of [
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/models/../../package.json',
  ]) {
    const status = await app.page.evaluate(async (url) => (await fetch(url)).status, `app://tokenscope${path}`);
    expect([400, 403, 404]).toContain(status);
  }
});

test.describe('the hidden page of the GPU', () => {
  test.use({ freshApp: true, appArgs: SOFTWARE_ADAPTER });

  test('is sandboxed, has a session of its own, no bridge, no Node and no network, and is no window', async ({
    app,
  }) => {
    test.setTimeout(60_000 + ADAPTER_MS);
    app.guard.allow(/request leaves the app|console error/);
    const models = new ModelsPage(app);
    await models.show();
    await models.select('TinyTransformer');
    // At start, another page asks for the adapter and closes.
    const executor = app.page.getByTestId('executor');
    await expect(executor).toHaveAttribute('title', /^The only GPU is a software renderer/, { timeout: ADAPTER_MS });
    await expect.poll(() => hiddenPage(app), { timeout: ADAPTER_MS }).toBeNull();
    await models.id('executor-select').selectOption('webgpu');
    await expect.poll(() => hiddenPage(app), { timeout: ADAPTER_MS }).not.toBeNull();
    expect(await hiddenPage(app)).toMatchObject({
      preferences: {
        ...{ sandbox: true, contextIsolation: true, nodeIntegration: false },
        ...{ webSecurity: true, webviewTag: false },
      },
      spellcheck: false,
      ownSession: true,
      windows: 1,
    });
    const page = await gpuPage(app);
    const found = await page.evaluate(async () => {
      const elsewhere = await fetch('http://127.0.0.1:9/').then(
        () => 'went out',
        () => 'refused',
      );
      const popup = window.open('https://example.com/');
      location.href = 'https://example.com/';
      await new Promise((resolve) => setTimeout(resolve, 300));
      return {
        globals: ['tokenscope', 'require', 'process', 'Buffer'].filter((name) => name in window),
        isolated: crossOriginIsolated,
        address: location.href,
        ...{ elsewhere, popup },
      };
    });
    expect(found).toEqual({
      ...{ globals: [], isolated: true, address: 'app://tokenscope/gpu.html', elsewhere: 'refused', popup: null },
    });
    // Nor does the main process answer its session.
    const refused = await app.electron?.evaluate(async ({ session }) =>
      session
        .fromPartition('persist:gpu')
        .fetch('http://127.0.0.1:9/')
        .then(() => 'went out', String),
    );
    expect(refused).toMatch(/ERR_BLOCKED_BY_CLIENT/);
  });
});
