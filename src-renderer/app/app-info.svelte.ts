import type { AboutInfo, AppEvent, AppServices, NetworkRecord } from '../../src-main/protocol/app/app-services.ts';

/** How often the network log is read while the window is visible, ms. */
const LOOK_EVERY_MS = 15_000;

/** Where a tab keeps which notices were dismissed, as a reloaded page hears all of them again. */
const DISMISSED = 'tokenscope-dismissed';
const MAX_DISMISSED = 100;

/** Shows a notice until it is dismissed. */
export type ShowNotice = (text: string, ondismiss: () => void) => void;

/** What the shell shows of the app itself: versions, the network log, notices, whether anything is saved. */
export class AppInfo {
  about = $state.raw<AboutInfo | null>(null);
  network = $state.raw<readonly NetworkRecord[]>([]);
  /** Why nothing is saved; null when everything is. */
  readOnly = $state<string | null>(null);
  /** Why the app's other half does not answer; null: it does. */
  away = $state<string | null>(null);
  /** Why some of it is missing; null when nothing is. */
  error = $state<string | null>(null);

  readonly #services: AppServices;
  readonly #showNotice: ShowNotice;
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;

  constructor(
    services: AppServices,
    showNotice: ShowNotice,
    storage: Pick<Storage, 'getItem' | 'setItem'> = sessionStorage,
  ) {
    this.#services = services;
    this.#showNotice = showNotice;
    this.#storage = storage;
  }

  /** Requests that left this computer: refused ones did not. */
  get requests(): number {
    return this.network.filter((record) => record.result !== 'refused').length;
  }

  /** Reads everything, and the network log again and again. @returns stops */
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
    else if (event.type === 'host') this.away = ['away', 'refused'].includes(event.state) ? event.message : null;
    else if (event.type === 'notice' && !this.#dismissed().includes(event.id)) {
      this.#showNotice(event.message, () => this.#dismiss(event.id));
    }
  }

  #dismissed(): string[] {
    try {
      return (this.#storage.getItem(DISMISSED) ?? '').split(' ').filter((id) => id !== '');
    } catch {
      // The browser keeps nothing for this page.
      return [];
    }
  }

  #dismiss(id: string): void {
    try {
      this.#storage.setItem(DISMISSED, [...this.#dismissed(), id].slice(-MAX_DISMISSED).join(' '));
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
