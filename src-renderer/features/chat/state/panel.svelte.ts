import type { Settings } from '../../../../src-main/protocol/app/app-services.ts';
import type { SettingsState } from './settings.svelte.ts';

export type PanelTab = Settings['panel']['tab'];

/** The panel beside the thread. In a small window it is a drawer, which is always closed at first. */
export class PanelState {
  drawerOpen = $state(false);
  readonly #settings: SettingsState;

  constructor(settings: SettingsState) {
    this.#settings = settings;
  }

  get tab(): PanelTab {
    return this.#settings.current.panel.tab;
  }

  /** @param compact the panel is a drawer */
  isOpen(compact: boolean): boolean {
    return compact ? this.drawerOpen : this.#settings.current.panel.open;
  }

  toggle(compact: boolean): void {
    if (compact) this.drawerOpen = !this.drawerOpen;
    else this.#settings.setPanel({ open: !this.#settings.current.panel.open });
  }

  choose(tab: PanelTab): void {
    this.#settings.setPanel({ tab });
  }

  /** Opens the panel at a tab. */
  show(tab: PanelTab, compact: boolean): void {
    this.#settings.setPanel(compact ? { tab } : { tab, open: true });
    this.drawerOpen = compact;
  }
}
