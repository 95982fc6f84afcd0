/** The hidden page of Electron's GPU. */
import { expect, type Page } from '@playwright/test';
import { SOFTWARE_WEBGPU } from '../../scripts/lib/chromium.ts';
import type { RunningApp } from './app.ts';

/** Arguments that give Electron an adapter without a graphics card. */
export const SOFTWARE_ADAPTER = [...SOFTWARE_WEBGPU, '--enable-features=Vulkan', '--use-vulkan=swiftshader'];

/** Guards against hanging: a busy machine takes many seconds to find the software adapter, ms. */
export const ADAPTER_MS = 60_000;

/** Waits for the page: Playwright lists it later than the main process. */
export async function gpuPage({ context }: RunningApp): Promise<Page> {
  const find = () => context.pages().find((one) => one.url().endsWith('/gpu.html'));
  await expect.poll(find, 'the page of the GPU').toBeDefined();
  return find()!;
}

/** What the main process knows of the page; null if there is none. */
export async function hiddenPage({ electron }: RunningApp) {
  return await electron!.evaluate(({ BrowserWindow, session, webContents }) => {
    const found = webContents.getAllWebContents().find((one) => one.getURL().endsWith('/gpu.html'));
    if (found === undefined) return null;
    // Not in the types, but the only way to see the actual preferences.
    const all = (found as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences();
    const { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag = false } = all;
    return {
      preferences: { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag },
      spellcheck: found.session.isSpellCheckerEnabled(),
      ownSession: found.session !== session.defaultSession,
      windows: BrowserWindow.getAllWindows().length,
      process: found.getOSProcessId(),
    };
  });
}
