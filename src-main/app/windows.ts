/** The app's windows: all on the same chats, with one engine. They are restored at the next start. */
import type { BrowserWindow, WebContents } from 'electron';
import { chatHash } from '../protocol/app/desktop.ts';
import { codeOf } from '../services/json-file.ts';
import { focusWindow, ZOOMED, type WindowOptions } from './window.ts';
import { cascade, type SavedWindows, type WindowPlace } from './window-state.ts';

export type NewWindow = Pick<WindowOptions, 'place' | 'zoomLevel' | 'inactive'>;

export interface WindowsParts {
  /** Creates an empty window. */
  create(options: NewWindow): BrowserWindow;
  pageUrl: string;
  /** The windows of the last start; null if there was none. */
  read(): Promise<SavedWindows | null>;
  write(saved: SavedWindows): Promise<void>;
  onClosed(pageId: number): void;
  /** A window behind the one in front could not be restored. */
  onFailure(error: unknown): void;
}

/** Delay before positions are saved after a change, ms. */
const SAVE_AFTER_MS = 500;

export class Windows {
  /** The one that was used last is the last. */
  readonly #open: BrowserWindow[] = [];
  /** Those of the last start that are not open yet, in the same order. */
  #waiting: readonly WindowPlace[] = [];
  /** Those that were asked to close, and have not yet. */
  readonly #closing = new WeakSet<BrowserWindow>();
  readonly #parts: WindowsParts;
  /** The first window being opened, so that no second one is opened meanwhile. */
  #opening: Promise<void> | null = null;
  #quitting = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: WindowsParts) {
    this.#parts = parts;
  }

  get all(): readonly BrowserWindow[] {
    return this.#open;
  }

  /** The one that was used last; null if there is none. */
  get front(): BrowserWindow | null {
    return this.#open.at(-1) ?? null;
  }

  /** Whether the whole app was asked to quit, and not only a window to close. */
  get quitting(): boolean {
    return this.#quitting;
  }

  of(contents: WebContents): BrowserWindow | null {
    return this.#open.find((window) => window.webContents === contents) ?? null;
  }

  withPage(pageId: number): BrowserWindow | null {
    return this.#open.find((window) => window.webContents.id === pageId) ?? null;
  }

  /** Brings the window that was used last to the front, or opens those of the last start. */
  async show(): Promise<void> {
    if (this.front !== null) return focusWindow(this.front);
    this.#opening ??= this.#restore().finally(() => (this.#opening = null));
    await this.#opening;
  }

  /** Opens a further window, which starts with a new chat. */
  async openNew(): Promise<void> {
    const { front } = this;
    if (front === null) return await this.show();
    const place = { bounds: cascade(front.getNormalBounds()), maximized: false };
    const zoomLevel = front.webContents.getZoomLevel();
    const opened = this.#create({ place, zoomLevel, inactive: false });
    this.#open.push(opened);
    await this.#load(opened, chatHash(null));
  }

  /** The windows that are open now are restored at the next start. */
  beginQuit(): void {
    this.#save();
    this.#quitting = true;
  }

  cancelQuit(): void {
    this.#quitting = false;
  }

  /** Resolves when everything is saved. */
  async saved(): Promise<void> {
    await this.#writing;
  }

  async #restore(): Promise<void> {
    const { windows, zoomLevel } = (await this.#parts.read()) ?? { windows: [], zoomLevel: 0 };
    const place = windows.at(-1) ?? null;
    this.#waiting = windows.slice(0, -1);
    const front = this.#create({ place, zoomLevel, inactive: false });
    this.#open.push(front);
    // A single window shows the last chat, which is a setting, and so is stored at once.
    await this.#load(front, windows.length > 1 ? (place?.hash ?? '') : '');
    void this.#restoreBehind(zoomLevel).catch((error: unknown) => this.#parts.onFailure(error));
  }

  /** One by one, so that none delays the window in front. */
  async #restoreBehind(zoomLevel: number): Promise<void> {
    for (let place = this.#waiting.at(-1); place !== undefined; place = this.#waiting.at(-1)) {
      if (this.#quitting) return;
      const window = this.#create({ place, zoomLevel, inactive: true });
      this.#waiting = this.#waiting.slice(0, -1);
      this.#open.unshift(window);
      await this.#load(window, place.hash);
    }
  }

  #create(options: NewWindow): BrowserWindow {
    const window = this.#parts.create(options);
    const pageId = window.webContents.id;
    window.on('focus', () => {
      this.#remove(window);
      this.#open.push(window);
    });
    const saveSoon = (): void => this.#saveSoon();
    for (const change of ['resize', 'move', 'maximize', 'unmaximize', ZOOMED] as const) {
      window.on(change as 'resize', saveSoon);
    }
    // Another chat.
    window.webContents.on('did-navigate-in-page', saveSoon);
    // A window is asked to close only once, and Chromium drops the request if a page commits before it has closed.
    window.on('close', () => {
      this.#closing.add(window);
      this.#save();
    });
    window.webContents.on('will-prevent-unload', () => this.#closing.delete(window));
    window.webContents.on('did-navigate', () => {
      if (this.#closing.has(window) || this.#quitting) window.close();
    });
    window.on('closed', () => {
      this.#remove(window);
      this.#parts.onClosed(pageId);
      this.#saveSoon();
    });
    return window;
  }

  async #load(window: BrowserWindow, hash: string): Promise<void> {
    await window.loadURL(`${this.#parts.pageUrl}${hash}`).catch((error: unknown) => {
      if (window.isDestroyed()) return;
      // Closed while it was loading: its page ends before the window does.
      if (this.#closing.has(window) || this.#quitting) return window.destroy();
      // It would stay empty and keep the app running. If it is the only one, the start fails, which is reported.
      if (this.#open.length > 1 && codeOf(error) !== 'ERR_ABORTED') window.destroy();
      throw error;
    });
  }

  #saveSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#save(), SAVE_AFTER_MS);
  }

  /** The last window that is closed stays saved, and all that quitting closes. */
  #save(): void {
    clearTimeout(this.#timer);
    const { front } = this;
    if (front === null || this.#quitting) return;
    const open = this.#open.map((window) => ({
      bounds: window.getNormalBounds(),
      maximized: window.isMaximized(),
      hash: new URL(window.webContents.getURL() || this.#parts.pageUrl).hash,
    }));
    const saved = { windows: [...this.#waiting, ...open], zoomLevel: front.webContents.getZoomLevel() };
    // Positions are not important enough for a message.
    this.#writing = this.#writing.then(() => this.#parts.write(saved)).catch(() => undefined);
  }

  #remove(window: BrowserWindow): void {
    const index = this.#open.indexOf(window);
    if (index !== -1) this.#open.splice(index, 1);
  }
}
