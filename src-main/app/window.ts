import { BrowserWindow, nativeTheme, screen } from 'electron';
import type { ThemeSetting } from '../protocol/app/app-services.ts';
import type { WindowVerb } from '../protocol/app/app-bridge.ts';
import { cascade, MIN_SIZE, placeWindow, readWindowState, writeWindowState, zoomedLevel } from './window-state.ts';

/** Delay before the window's position is saved after a change, ms. */
const SAVE_AFTER_MS = 500;
/** Our own event of a window. */
const ZOOMED = 'tokenscope-zoomed';
/** Middle of the page's 40 px title bar. */
const MAC_BUTTONS = { x: 14, y: 13 };

export interface WindowOptions {
  dataFolder: string;
  preload: string;
  theme: ThemeSetting;
  /** How many windows are open already. */
  others: number;
}

/**
 * Creates a window of the app, still empty: without the system's title bar, at its last position, shown once its content is
 * ready.
 */
export async function createWindow({
  dataFolder,
  preload,
  theme,
  others: number,
}: WindowOptions): Promise<BrowserWindow> {
  const state = await readWindowState(dataFolder);
  const main = screen.getPrimaryDisplay();
  const others = screen.getAllDisplays().filter((display) => display.id !== main.id);
  const areas = [main, ...others].map((display) => display.workArea);
  nativeTheme.themeSource = themeSource(theme);
  const bounds = state === null ? null : cascade(state.bounds, number);
  const window = new BrowserWindow({
    ...placeWindow(bounds, areas),
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
  if (state?.maximized && number === 0) window.maximize();
  const zoomLevel = state?.zoomLevel ?? 0;
  // Later loads keep the level of their origin.
  window.webContents.once('did-finish-load', () => window.webContents.setZoomLevel(zoomLevel));
  window.once('ready-to-show', () => window.show());
  rememberPlace(window, dataFolder);
  return window;
}

/** Must be called when the setting changes. */
export function applyTheme(windows: readonly BrowserWindow[], theme: ThemeSetting): void {
  nativeTheme.themeSource = themeSource(theme);
  paintBackground(windows, theme);
}

/** Must be called when the system's theme changes. */
export function paintBackground(windows: readonly BrowserWindow[], theme: ThemeSetting): void {
  const colour = backgroundColor(theme, nativeTheme.shouldUseDarkColors);
  for (const window of windows) window.setBackgroundColor(colour);
}

export function doWindowVerb(window: BrowserWindow, verb: WindowVerb): void {
  if (verb === 'minimize') window.minimize();
  else if (verb === 'close') window.close();
  else if (window.isMaximized()) window.unmaximize();
  else window.maximize();
}

/** Zooms all windows, because Chromium zooms by origin. Stored with the window's position. */
export function zoom(window: BrowserWindow, steps: -1 | 0 | 1): void {
  window.webContents.setZoomLevel(zoomedLevel(window.webContents.getZoomLevel(), steps));
  window.emit(ZOOMED);
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
    if (window.isDestroyed()) return;
    const zoomLevel = window.webContents.getZoomLevel();
    const state = { bounds: window.getNormalBounds(), maximized: window.isMaximized(), zoomLevel };
    // The window's position is not important enough for a message.
    void writeWindowState(dataFolder, state).catch(() => undefined);
  };
  const saveSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(save, SAVE_AFTER_MS);
  };
  for (const change of ['resize', 'move', 'maximize', 'unmaximize', ZOOMED] as const) {
    window.on(change as 'resize', saveSoon);
  }
  window.webContents.on('zoom-changed', (_event, direction) => zoom(window, direction === 'in' ? 1 : -1));
  window.on('close', save);
}
