/** Keyboard shortcuts of the window. Controls handle their own keys. */
import { hostKeys } from '../lib/browser-keys.ts';
import { latinKey } from '../lib/latin-key.ts';
import { COMMANDS, type Command, type CommandInfo } from './commands/commands.ts';

type Key = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'isComposing'>;

const SHORTCUTS = { app: shortcuts(false), browser: shortcuts(true) };

/** Commands by `chord`. */
function shortcuts(browser: boolean): ReadonlyMap<string, Command> {
  return new Map(
    COMMANDS.flatMap((command: CommandInfo) => {
      if (command.keys === undefined) return [];
      const held = hostKeys(command.keys, browser).split(' ');
      const key = held.pop() ?? '';
      return [[chord(key, held.includes('Ctrl'), held.includes('Shift')), command.id as Command] as const];
    }),
  );
}

function chord(key: string, control: boolean, shift: boolean): string {
  const name = key.toLowerCase();
  // Whether a sign needs Shift depends on the keyboard.
  const isSign = name.length === 1 && !/[a-z0-9]/u.test(name);
  return [control ? 'ctrl' : '', shift && !isSign ? 'shift' : '', name === 'escape' ? 'esc' : name].join(' ');
}

/**
 * The command of a key, or null.
 *
 * @param typing a text field has the focus, so plain letters, digits and signs are text
 * @param mac Command replaces Control
 * @param browser the page is in a browser, which keeps some keys for itself
 */
export function commandFor(
  event: Key,
  { typing, mac, browser }: { typing: boolean; mac: boolean; browser: boolean },
): Command | null {
  // The keys of an input method, until it has composed a character, are its own.
  if (event.isComposing) return null;
  const control = mac ? event.metaKey : event.ctrlKey;
  const otherControl = mac ? event.ctrlKey : event.metaKey;
  if (event.altKey || otherControl) return null;
  if (typing && !control && event.key.length === 1) return null;
  const commands = browser ? SHORTCUTS.browser : SHORTCUTS.app;
  return commands.get(chord(latinKey(event), control, event.shiftKey)) ?? null;
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
