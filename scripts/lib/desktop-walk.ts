/** The desktop app for `npm run screenshots`: its window, its menus, and an update that is offered. */
import type * as Electron from 'electron';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatPage } from '../../e2e/pages/chat.ts';
import type { RunningApp } from '../../e2e/support/app.ts';
import { prepareScript } from '../../e2e/support/display.ts';
import { launchElectronApp } from '../../e2e/support/electron-app.ts';
import { Guard } from '../../e2e/support/guard.ts';
import { startUpdateServer } from '../../e2e/support/update-server.ts';

const USUAL = { width: 1280, height: 800 };
const SMALL = { width: 480, height: 600 };
const PROMPT = 'Once upon a time, there was a little';
const NOTES = `Windows are restored with their chats.
Replies of quantised models are generated 15 % faster.
Fixed: a download restarted after a second interruption.`;
const NEXT_VERSION = '0.2.0';
/** For animations of native menus, ms. */
const MENU_MS = 400;

/** @param save gets the name and the PNG of each picture */
export async function walkDesktop(
  theme: 'light' | 'dark',
  save: (name: string, png: Buffer) => Promise<void>,
): Promise<void> {
  const stopDisplay = await prepareScript();
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-desktop-'));
  await writeFile(join(folder, `tokenscope-${NEXT_VERSION}-linux-${process.arch}.AppImage`), Buffer.alloc(100_400_000));
  const server = await startUpdateServer({ folder, version: NEXT_VERSION, notes: NOTES });
  const configuration = join(folder, 'updates.json');
  const appImage = join(folder, 'Tokenscope.AppImage');
  await writeFile(configuration, JSON.stringify({ address: server.address, key: server.key, appImage }));
  // Native menus have the desktop's theme.
  const env = { TOKENSCOPE_UPDATES: configuration, GTK_THEME: theme === 'dark' ? 'Adwaita:dark' : 'Adwaita' };
  const app = await launchElectronApp({ dataDir: join(folder, 'data'), guard: new Guard(), env });
  try {
    await visit(app, (name) => `${name}-${theme}`, theme, save);
  } finally {
    await app.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
    stopDisplay();
  }
}

async function visit(
  app: RunningApp,
  named: (view: string) => string,
  theme: 'light' | 'dark',
  save: (name: string, png: Buffer) => Promise<void>,
): Promise<void> {
  const { page } = app;
  const chat = new ChatPage(page);
  await chat.ready();
  await app.services.invoke('settingsSet', { theme });
  await resize(app, USUAL);
  await chat.openPanel('sampling');
  await chat.set('seed', 1);
  await chat.ask(PROMPT);
  await chat.id('view-tokens').click();
  await chat.id('setting-preset').scrollIntoViewIfNeeded();
  await save(named('desktop'), await screen(app));
  // Before the check for updates, which makes network requests.
  await resize(app, SMALL);
  await save(`${named('desktop')}-small`, await screen(app));
  await resize(app, USUAL);
  await chat.id('app-menu').click();
  await save(named('menu'), await screen(app));
  for (const menu of ['File', 'View', 'Help']) {
    await showMenu(app, menu);
    await save(named(`menu-${menu.toLowerCase()}`), await screen(app));
  }
  await closeMenus(app);

  await chat.id('open-settings').click();
  await chat.id('update-check').click();
  await chat.id('update-download').waitFor();
  await showUpdates(chat);
  await save(named('updates'), await screen(app));
  await resize(app, SMALL);
  await showUpdates(chat);
  await save(`${named('updates')}-small`, await screen(app));
  await page.keyboard.press('Escape');
  // The focus returns to the button, which shows its tooltip.
  await chat.id('composer').focus();
  await showMenu(app, 'View');
  await save(`${named('menu-view')}-small`, await screen(app));
  await closeMenus(app);
}

async function showUpdates(chat: ChatPage): Promise<void> {
  await chat.id('setting-update-weekly').evaluate((control) => control.closest('section')?.scrollIntoView());
}

async function resize({ electron, page }: RunningApp, size: { width: number; height: number }): Promise<void> {
  await electron?.evaluate(({ BrowserWindow }, { width, height }) => {
    BrowserWindow.getAllWindows()[0]?.setBounds({ x: 40, y: 40, width, height });
  }, size);
  await page.waitForFunction((width) => innerWidth === width, size.width);
}

/** Shows one menu where the menu button shows all. */
async function showMenu({ electron }: RunningApp, label: string): Promise<void> {
  await electron?.evaluate(({ BrowserWindow, Menu }, name) => {
    const [window] = BrowserWindow.getAllWindows();
    if (window === undefined) return;
    const menu = Menu.getApplicationMenu();
    menu?.closePopup();
    (globalThis as { shownMenu?: Electron.Menu }).shownMenu?.closePopup();
    const submenu = menu?.items.find((item) => item.label === `&${name}`)?.submenu;
    if (submenu === undefined) return;
    // An installed app has nothing for developers. Functions in here must have no names.
    const end = submenu.items.findIndex(({ role }) => role?.toLowerCase() === 'reload');
    const items = end === -1 ? submenu.items : submenu.items.slice(0, end - 1);
    const template = items.map((item) => {
      const { label, type, visible } = item;
      // Not in Electron's types. What has a role has the role's key.
      const ofRole = (item as { getDefaultRoleAccelerator?: () => string | undefined }).getDefaultRoleAccelerator?.();
      const accelerator = item.accelerator ?? ofRole;
      return {
        ...{ label, type, visible },
        ...(accelerator ? { accelerator } : {}),
        ...(type === 'submenu' ? { submenu: [] } : {}),
      };
    });
    const shown = Menu.buildFromTemplate(template as Electron.MenuItemConstructorOptions[]);
    Object.assign(globalThis, { shownMenu: shown });
    shown.popup({ window, x: 6, y: 36 });
  }, label);
}

async function closeMenus({ electron }: RunningApp): Promise<void> {
  await electron?.evaluate(({ Menu }) => {
    const menu = Menu.getApplicationMenu();
    menu?.closePopup();
    (globalThis as { shownMenu?: Electron.Menu }).shownMenu?.closePopup();
  });
}

/** What is on the screen where the window is, with native menus, which no page shows. */
async function screen({ electron, page }: RunningApp): Promise<Buffer> {
  await page.evaluate(async () => void (await document.fonts.ready));
  await page.waitForTimeout(MENU_MS);
  const encoded = await electron?.evaluate(async ({ BrowserWindow, desktopCapturer, screen: screens }) => {
    const thumbnailSize = screens.getPrimaryDisplay().size;
    const [source] = await desktopCapturer.getSources({ types: ['screen'], thumbnailSize });
    const bounds = BrowserWindow.getAllWindows()[0]?.getBounds();
    if (source === undefined || bounds === undefined) return null;
    return source.thumbnail.crop(bounds).toPNG().toString('base64');
  });
  if (!encoded) throw new Error('The screen could not be captured.');
  return Buffer.from(encoded, 'base64');
}
