import { BrowserWindow, nativeTheme, screen } from 'electron';
import type { ThemeSetting } from '../protocol/app/app-services.ts';
import type { WindowVerb } from '../protocol/app/app-bridge.ts';
import { MIN_SIZE, placeWindow, zoomedLevel, type WindowPlace } from './window-state.ts';

/** Our own event of a window. */
export const ZOOMED = 'tokenscope-zoomed';
/** Middle of the page's 40 px title bar. */
const MAC_BUTTONS = { x: 14, y: 13 };

export interface WindowOptions {
  preload: string;
  theme: ThemeSetting;
  /** Null on the first start. */
  place: Pick<WindowPlace, 'bounds' | 'maximized'> | null;
  zoomLevel: number;
  /** Leaves the focus where it is. */
  inactive: boolean;
}

/**
 * Creates a window of the app, without the system's title bar, at its last position. It is shown at once, in the background
 * of its theme; one that leaves the focus where it is, once its page is ready.
 */
export function createWindow({ preload, theme, place, zoomLevel, inactive }: WindowOptions): BrowserWindow {
  const main = screen.getPrimaryDisplay();
  const others = screen.getAllDisplays().filter((display) => display.id !== main.id);
  const areas = [main, ...others].map((display) => display.workArea);
  nativeTheme.themeSource = themeSource(theme);
  const window = new BrowserWindow({
    ...placeWindow(place?.bounds ?? null, areas),
    minWidth: MIN_SIZE.width,
    minHeight: MIN_SIZE.height,
    title: 'Tokenscope',
    // Below, once it has its size.
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
  if (place?.maximized) window.maximize();
  // Later loads keep the level of their origin.
  window.webContents.once('did-finish-load', () => window.webContents.setZoomLevel(zoomLevel));
  window.webContents.on('zoom-changed', (_event, direction) => zoom(window, direction === 'in' ? 1 : -1));
  if (inactive) window.once('ready-to-show', () => window.showInactive());
  else window.show();
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

/** Zooms all windows, because Chromium zooms by origin. Stored with their positions. */
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
