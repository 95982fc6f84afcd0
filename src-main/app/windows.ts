/** The app's windows: all on the same chats, with one engine. */
import type { BrowserWindow, WebContents } from 'electron';
import { NEW_WINDOW_HASH } from '../protocol/app/desktop.ts';
import { focusWindow } from './window.ts';

export interface WindowsParts {
  /** Creates an empty window. @param others how many are open already */
  create(others: number): Promise<BrowserWindow>;
  pageUrl: string;
  onClosed(pageId: number): void;
}

export class Windows {
  /** The one that was used last is the last. */
  readonly #open: BrowserWindow[] = [];
  readonly #parts: WindowsParts;
  /** The first window being opened, so that no second one is opened meanwhile. */
  #opening: Promise<void> | null = null;

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

  of(contents: WebContents): BrowserWindow | null {
    return this.#open.find((window) => window.webContents === contents) ?? null;
  }

  withPage(pageId: number): BrowserWindow | null {
    return this.#open.find((window) => window.webContents.id === pageId) ?? null;
  }

  /** Brings the window that was used last to the front, or opens one. */
  async show(): Promise<void> {
    if (this.front !== null) return focusWindow(this.front);
    this.#opening ??= this.#add(this.#parts.pageUrl).finally(() => (this.#opening = null));
    await this.#opening;
  }

  /** Opens a further window, which starts with a new chat. */
  async openNew(): Promise<void> {
    if (this.front === null) return await this.show();
    await this.#add(`${this.#parts.pageUrl}${NEW_WINDOW_HASH}`);
  }

  async #add(url: string): Promise<void> {
    const window = await this.#parts.create(this.#open.length);
    const pageId = window.webContents.id;
    this.#open.push(window);
    window.on('focus', () => {
      this.#remove(window);
      this.#open.push(window);
    });
    window.on('closed', () => {
      this.#remove(window);
      this.#parts.onClosed(pageId);
    });
    await window.loadURL(url).catch((error: unknown) => {
      // Closed while it was loading.
      if (!window.isDestroyed()) throw error;
    });
  }

  #remove(window: BrowserWindow): void {
    const index = this.#open.indexOf(window);
    if (index !== -1) this.#open.splice(index, 1);
  }
}
