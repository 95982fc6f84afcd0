/** Keyboard shortcuts of the window. Controls handle their own keys. */
export type Command =
  | 'next-region'
  | 'previous-region'
  | 'view-chat'
  | 'view-compare'
  | 'view-models'
  | 'view-tokenizer'
  | 'view-inside'
  | 'new-chat'
  | 'open-model'
  | 'toggle-tokens'
  | 'escape'
  | 'prompt-1'
  | 'prompt-2'
  | 'prompt-3';

interface Key {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
}

const WITH_CONTROL: Readonly<Record<string, Command>> = {
  '1': 'view-chat',
  '2': 'view-compare',
  '3': 'view-models',
  '4': 'view-tokenizer',
  '5': 'view-inside',
  n: 'new-chat',
  o: 'open-model',
};
/** Views that a command only opens. */
export const VIEW_OF = {
  'view-compare': 'compare',
  'view-models': 'models',
  'view-tokenizer': 'tokenizer',
  'view-inside': 'inside',
} as const satisfies Partial<Record<Command, string>>;
const ALONE: Readonly<Record<string, Command>> = {
  t: 'toggle-tokens',
  '1': 'prompt-1',
  '2': 'prompt-2',
  '3': 'prompt-3',
};

/**
 * The command of a key, or null.
 *
 * @param typing a text field has the focus, so plain letters and digits are text
 * @param mac Command replaces Control
 */
export function commandFor(event: Key, { typing, mac }: { typing: boolean; mac: boolean }): Command | null {
  const control = mac ? event.metaKey : event.ctrlKey;
  const otherControl = mac ? event.ctrlKey : event.metaKey;
  if (event.altKey || otherControl) return null;
  if (control) return event.shiftKey ? null : (WITH_CONTROL[event.key.toLowerCase()] ?? null);
  if (event.key === 'F6') return event.shiftKey ? 'previous-region' : 'next-region';
  if (event.shiftKey) return null;
  if (event.key === 'Escape') return 'escape';
  return typing ? null : (ALONE[event.key.toLowerCase()] ?? null);
}

const NO_TEXT = new Set(['checkbox', 'radio', 'range', 'button', 'submit', 'reset', 'color', 'file']);

/** Whether keys typed in an element are text. */
export function isTextField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !NO_TEXT.has(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}

const FOCUSABLE = 'a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex="0"]';

/** Moves the focus to the next or previous region that is on screen. */
export function moveRegion(direction: 1 | -1): void {
  const regions = [...document.querySelectorAll<HTMLElement>('[data-region]')].filter(
    (region) => region.checkVisibility() && targetOf(region) !== null,
  );
  const here = document.activeElement?.closest<HTMLElement>('[data-region]') ?? null;
  const current = here === null ? (direction === 1 ? -1 : 0) : regions.indexOf(here);
  const next = regions[(current + direction + regions.length) % regions.length];
  if (next) targetOf(next)?.focus();
}

function targetOf(region: HTMLElement): HTMLElement | null {
  if (region.matches('[data-region-focus]')) return region;
  const inRegion = [...region.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
    (element) => element.checkVisibility() && element.closest('[data-region]') === region && element.tabIndex >= 0,
  );
  return region.querySelector<HTMLElement>('[data-region-focus]') ?? inRegion[0] ?? null;
}
