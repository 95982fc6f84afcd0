/** Menu, context menus, taskbar progress and notifications. */
import { app, dialog, Menu, Notification, type BrowserWindow, type WebContents } from 'electron';
import { homedir } from 'node:os';
import { IPC } from '../protocol/app/app-bridge.ts';
import type { ModelListing } from '../protocol/app/app-services.ts';
import type { DesktopMessage, MenuCommand } from '../protocol/app/desktop.ts';
import type { LocalAppServices } from '../services/app-services.ts';
import { installTool, toolScript, type ToolScript } from './command-line-tool.ts';
import { contextMenuTemplate, menuTemplate, recentModels } from './menu.ts';
import { doWindowVerb, focusWindow, zoom } from './window.ts';
import type { Windows } from './windows.ts';

/** A reply that took longer is worth a notification, ms. */
const LONG_REPLY_MS = 10_000;

export interface DesktopOptions {
  windows: Windows;
  services: LocalAppServices;
  /** Resolves when the services have started. */
  ready: Promise<void>;
  isDevelopment: boolean;
  /** A window could not be opened. */
  onFailure(error: unknown): void;
}

/** Sets the menu, and again whenever the recent models change. */
export function followMenu({ windows, services, ready, isDevelopment, onFailure }: DesktopOptions): void {
  const script = toolScript({
    ...{ platform: process.platform, isPackaged: app.isPackaged, execPath: process.execPath },
    ...{ resourcesPath: process.resourcesPath, home: homedir(), env: process.env },
  });
  const run = (command: MenuCommand): void => {
    void windows
      .show()
      .then(() => windows.front?.webContents.send(IPC.command, command))
      .catch(onFailure);
  };
  const set = (recent: readonly ModelListing[]): void => {
    const template = menuTemplate({
      ...{ platform: process.platform, isDevelopment, recent, run },
      installTool: script === null ? null : () => void tellInstalled(windows.front, script),
      newWindow: () => void windows.openNew().catch(onFailure),
      zoom: (steps) => windows.front && zoom(windows.front, steps),
      maximize: () => windows.front && doWindowVerb(windows.front, 'toggleMaximize'),
    });
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  };
  // At once, because Electron's own menu reloads the page.
  set([]);
  const setSoon = (): void =>
    void services
      .invoke('modelsList')
      .then((models) => set(recentModels(models)))
      .catch((error: unknown) => process.stderr.write(`tokenscope: ${String(error)}\n`));
  void ready.then(setSoon);
  services.onEvent((event) => {
    if (event.type === 'models') setSoon();
  });
}

async function tellInstalled(window: BrowserWindow | null, script: ToolScript): Promise<void> {
  const said = await installTool(script, process.env.PATH ?? '').then(
    (done) => ({ type: 'info' as const, ...done }),
    (error: unknown) => ({
      type: 'error' as const,
      message: 'The command line tool was not installed.',
      detail: error instanceof Error ? error.message : String(error),
    }),
  );
  await (window === null ? dialog.showMessageBox(said) : dialog.showMessageBox(window, said));
}

/** Shows the menu of a text field or a selection. There is no event where the page opens a menu of its own. */
export function showContextMenus(contents: WebContents): void {
  contents.on('context-menu', (_event, target) => {
    const lookUp = (): void => contents.showDefinitionForSelection();
    const template = contextMenuTemplate(target, process.platform, lookUp);
    if (template.length > 0) Menu.buildFromTemplate(template).popup();
  });
}

export function onDesktopMessage(window: BrowserWindow, message: DesktopMessage): void {
  switch (message.type) {
    case 'progress':
      window.setProgressBar(message.fraction ?? -1);
      return;
    case 'menu': {
      const scale = window.webContents.getZoomFactor();
      const [x, y] = [Math.round(message.x * scale), Math.round(message.y * scale)];
      Menu.getApplicationMenu()?.popup({ window, x, y });
      return;
    }
    case 'reply-ended':
      if (message.ms >= LONG_REPLY_MS && !window.isFocused()) notify(window, message.title);
  }
}

function notify(window: BrowserWindow, title: string): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title: 'Reply finished', body: title });
  notification.on('click', () => {
    if (!window.isDestroyed()) focusWindow(window);
  });
  notification.show();
}
