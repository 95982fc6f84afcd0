import type { AboutInfo, AppServices, NetworkRecord } from '../../src-main/protocol/app-services.ts';

/** How often the network log is read while the window is visible, ms. */
const LOOK_EVERY_MS = 15_000;

/** What the shell shows of the app itself: versions, the network log, whether anything is saved. */
export class AppInfo {
  about = $state.raw<AboutInfo | null>(null);
  network = $state.raw<readonly NetworkRecord[]>([]);
  /** Why nothing is saved; null when everything is. */
  readOnly = $state<string | null>(null);
  /** Why some of it is missing; null when nothing is. */
  error = $state<string | null>(null);

  readonly #services: AppServices;

  constructor(services: AppServices) {
    this.#services = services;
  }

  /** Requests that left this computer: refused ones did not. */
  get requests(): number {
    return this.network.filter((record) => record.result !== 'refused').length;
  }

  /** Reads everything, and the network log again and again. @returns stops */
  follow(): () => void {
    const stopListening = this.#services.onEvent((event) => {
      if (event.type === 'readOnly') this.readOnly = event.message;
      else if (event.type === 'downloads') void this.readNetwork();
    });
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

  async #read(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.error = null;
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
  }
}
