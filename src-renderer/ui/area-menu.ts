/** Px in the window. */
export interface MenuPlace {
  readonly x: number;
  readonly y: number;
  /** The keyboard asked for the menu. */
  readonly byKey: boolean;
}

/** The text that is selected in the page. */
export interface PageSelection {
  isIn(area: Element): boolean;
  clear(): void;
}

const pageSelection: PageSelection = {
  isIn(area) {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(area, true);
  },
  clear: () => document.getSelection()?.removeAllRanges(),
};

/** What can be done with these is in the menu of the system or the browser. */
const KEEPS_NATIVE_MENU = 'a[href], input, textarea, select, [contenteditable]';

/** Opens a `Menu` in an area by a right click, Shift F10 or the menu key, unless text is selected there. */
export class AreaMenu {
  readonly #selection: PageSelection;
  #open: ((place: MenuPlace) => void) | null = null;
  /** Whether text was selected when the right button went down; null for the keyboard. */
  #selectedBefore: boolean | null = null;

  constructor(selection: PageSelection = pageSelection) {
    this.#selection = selection;
  }

  /** @param open opens the menu @returns removes it */
  serve(open: (place: MenuPlace) => void): () => void {
    this.#open = open;
    return () => {
      if (this.#open === open) this.#open = null;
    };
  }

  /** Attach it to the area. */
  readonly area = (element: HTMLElement): (() => void) => {
    const end = new AbortController();
    const { signal } = end;
    const onpointerdown = ({ button, ctrlKey }: PointerEvent): void => {
      this.#selectedBefore = button === 2 || ctrlKey ? this.#selection.isIn(element) : null;
    };
    const oncontextmenu = (event: PointerEvent): void => {
      const { clientX: x, clientY: y, pointerType } = event;
      // A long press selects text.
      if (pointerType !== 'touch') this.#offer(element, event, { x, y, byKey: this.#selectedBefore === null });
      this.#selectedBefore = null;
    };
    // On macOS, no key asks for a menu.
    const onkeydown = (event: KeyboardEvent): void => {
      if (event.key !== 'F10' || !event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
      this.#selectedBefore = null;
      this.#offer(element, event, { ...middleOf(event.target as Element), byKey: true });
    };
    element.addEventListener('pointerdown', onpointerdown, { signal });
    element.addEventListener('contextmenu', oncontextmenu, { signal });
    element.addEventListener('keydown', onkeydown, { signal });
    return () => end.abort();
  };

  #offer(area: Element, event: Event, place: MenuPlace): void {
    if (this.#open === null || event.defaultPrevented) return;
    if ((event.target as Element).closest(KEEPS_NATIVE_MENU) !== null) return;
    if (this.#selection.isIn(area)) {
      if (this.#selectedBefore !== false) return;
      // macOS selects the word under the pointer.
      this.#selection.clear();
    }
    event.preventDefault();
    this.#open(place);
  }
}

/** The middle of its visible part, where browsers open the menu of the menu key. */
function middleOf(element: Element): Pick<MenuPlace, 'x' | 'y'> {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  const middle = (from: number, to: number, size: number) => (Math.max(0, from) + Math.min(size, to)) / 2;
  return { x: middle(left, right, window.innerWidth), y: middle(top, bottom, window.innerHeight) };
}
