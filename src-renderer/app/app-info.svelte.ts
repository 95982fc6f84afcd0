import type { AboutInfo, NetworkRecord } from '../../src-main/protocol/app/about.ts';
import type { AppEvent, AppServices } from '../../src-main/protocol/app/app-services.ts';
import type { UpdateState } from '../../src-main/protocol/app/updates.ts';
import { pageStorage } from '../lib/page-storage.ts';

/** Refresh interval of the network log while the window is visible, ms. */
const LOOK_EVERY_MS = 15_000;

/** Where a tab stores its dismissed notices: a reloaded page receives all of them again. */
const DISMISSED = 'tokenscope-dismissed';
const MAX_DISMISSED = 100;

/** Shows a notice until it is dismissed. */
export type ShowNotice = (text: string, ondismiss: () => void) => void;

/** Information about the app for the shell: versions, the network log, notices, whether changes are saved. */
export class AppInfo {
  about = $state.raw<AboutInfo | null>(null);
  network = $state.raw<readonly NetworkRecord[]>([]);
  /** Why nothing is saved, or null. */
  readOnly = $state<string | null>(null);
  /** Why the app's main process or web host does not respond, or null. */
  away = $state<string | null>(null);
  /** Why some of the information is missing, or null. */
  error = $state<string | null>(null);

  /** Whether the settings are open, which show a new version themselves. */
  settingsOpen = false;
  /** The new version that was announced. */
  #offered: string | null = null;
  readonly #services: AppServices;
  readonly #showNotice: ShowNotice;
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'> | null;

  /** @param storage null: dismissed notices are shown again after a reload */
  constructor(
    services: AppServices,
    showNotice: ShowNotice,
    storage: Pick<Storage, 'getItem' | 'setItem'> | null = pageStorage('sessionStorage'),
  ) {
    this.#services = services;
    this.#showNotice = showNotice;
    this.#storage = storage;
  }

  /** Requests that left this computer, without the blocked ones. */
  get requests(): number {
    return this.network.filter((record) => record.result !== 'refused').length;
  }

  /** Reads everything, and polls the network log. @returns stops */
  follow(): () => void {
    const stopListening = this.#services.onEvent((event) => this.#take(event));
    void this.#read(async () => {
      this.about = await this.#services.invoke('about');
    });
    void this.readNetwork();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void this.readNetwork();
    }, LOOK_EVERY_MS);
    return () => {
      clearInterval(timer);
      stopListening();
    };
  }

  readNetwork(): Promise<void> {
    return this.#read(async () => {
      this.network = await this.#services.invoke('networkLog');
    });
  }

  #take(event: AppEvent): void {
    if (event.type === 'readOnly') this.readOnly = event.message;
    else if (event.type === 'downloads') void this.readNetwork();
    else if (event.type === 'update') this.#takeUpdate(event.state);
    else if (event.type === 'host') this.away = ['away', 'refused'].includes(event.state) ? event.message : null;
    else if (event.type === 'notice' && !this.#dismissed().includes(event.id)) {
      this.#showNotice(event.message, () => this.#dismiss(event.id));
    }
  }

  /** A weekly check happens while nobody looks at the settings. */
  #takeUpdate({ phase, release }: UpdateState): void {
    if (phase !== 'downloading') void this.readNetwork();
    if (phase !== 'available' || release === null || release.version === this.#offered) return;
    this.#offered = release.version;
    if (this.settingsOpen) return;
    this.#showNotice(`Tokenscope ${release.version} is available. Settings has the details.`, () => undefined);
  }

  #dismissed(): string[] {
    try {
      return (this.#storage?.getItem(DISMISSED) ?? '').split(' ').filter((id) => id !== '');
    } catch {
      // The browser does not store anything for this page.
      return [];
    }
  }

  #dismiss(id: string): void {
    try {
      this.#storage?.setItem(DISMISSED, [...this.#dismissed(), id].slice(-MAX_DISMISSED).join(' '));
    } catch {
      // After a reload the notice is shown again.
    }
  }

  async #read(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.error = null;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }
}
