import { BrowserWindow, nativeTheme, screen, Menu } from 'electron';
import type { ThemeSetting } from '../protocol/app/app-services.ts';
import type { WindowVerb } from '../protocol/app/app-bridge.ts';
import { MIN_SIZE, placeWindow, readWindowState, writeWindowState } from './window-state.ts';

/** Delay before the window's position is saved after a change, ms. */
const SAVE_AFTER_MS = 500;
/** Middle of the page's 40 px title bar. */
const MAC_BUTTONS = { x: 14, y: 13 };

export interface WindowOptions {
  dataFolder: string;
  preload: string;
  theme: ThemeSetting;
}

/**
 * Creates the app's window, still empty: without the system's title bar, at its last position, shown once its content is
 * ready.
 */
export async function createWindow({ dataFolder, preload, theme }: WindowOptions): Promise<BrowserWindow> {
  const state = await readWindowState(dataFolder);
  const main = screen.getPrimaryDisplay();
  const others = screen.getAllDisplays().filter((display) => display.id !== main.id);
  const areas = [main, ...others].map((display) => display.workArea);
  nativeTheme.themeSource = themeSource(theme);
  const window = new BrowserWindow({
    ...placeWindow(state?.bounds ?? null, areas),
    minWidth: MIN_SIZE.width,
    minHeight: MIN_SIZE.height,
    title: 'Tokenscope',
    show: false,
    titleBarStyle: 'hidden',
    trafficLightPosition: MAC_BUTTONS,
    backgroundColor: backgroundColor(theme, nativeTheme.shouldUseDarkColors),
    webPreferences: {
      preload,
      contextIsolation: true,
      sandbox: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
      navigateOnDragDrop: false,
    },
  });
  if (state?.maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  rememberPlace(window, dataFolder);
  return window;
}

/** Must be called when the setting changes. */
export function applyTheme(window: BrowserWindow | null, theme: ThemeSetting): void {
  nativeTheme.themeSource = themeSource(theme);
  paintBackground(window, theme);
}

/** Must be called when the system's theme changes. */
export function paintBackground(window: BrowserWindow | null, theme: ThemeSetting): void {
  window?.setBackgroundColor(backgroundColor(theme, nativeTheme.shouldUseDarkColors));
}

export function doWindowVerb(window: BrowserWindow, verb: WindowVerb): void {
  if (verb === 'minimize') window.minimize();
  else if (verb === 'close') window.close();
  else if (window.isMaximized()) window.unmaximize();
  else window.maximize();
}

/** Brings the window to the front. */
export function focusWindow(window: BrowserWindow): void {
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

function themeSource(theme: ThemeSetting): 'system' | 'light' | 'dark' {
  return theme === 'contrast' ? 'dark' : theme;
}

/** `--surface-1` of the page's design tokens, to avoid flashes while the page loads or the window grows. */
function backgroundColor(theme: ThemeSetting, dark: boolean): string {
  if (theme === 'contrast') return '#000000';
  return dark ? '#14191a' : '#ffffff';
}

function rememberPlace(window: BrowserWindow, dataFolder: string): void {
  let timer: NodeJS.Timeout | undefined;
  const save = (): void => {
    clearTimeout(timer);
    const state = { bounds: window.getNormalBounds(), maximized: window.isMaximized() };
    // The window's position is not important enough for a message.
    void writeWindowState(dataFolder, state).catch(() => undefined);
  };
  const saveSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_AFTER_MS);
  };
  for (const change of ['resize', 'move', 'maximize', 'unmaximize'] as const) {
    window.on(change as 'resize', saveSoon);
  }
  window.on('close', save);
}

/** Sets the menu, which macOS needs for its shortcuts. Elsewhere there is none: the title bar is the page's own. */
export function setApplicationMenu(platform: NodeJS.Platform): void {
  const menu = Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]);
  Menu.setApplicationMenu(platform === 'darwin' ? menu : null);
}
