/** What the desktop's parts of the app (menu, taskbar, notifications) and the page tell each other. */
import * as v from 'valibot';
import { schemaOf } from '../fields.ts';

/** From the menu to the page of the window in front. */
export type MenuCommand =
  | {
      name:
        | 'new-chat'
        | 'open-model'
        | 'view-chat'
        | 'view-compare'
        | 'view-models'
        | 'view-tokenizer'
        | 'view-inside'
        | 'toggle-tokens'
        | 'undo'
        | 'redo'
        | 'settings'
        | 'updates'
        | 'about';
    }
  | { name: 'load-model'; modelId: string };

/** From a page to the main process. */
export type DesktopMessage =
  /** Progress of loads and downloads, 0..1, for the taskbar; null when there are none. */
  | { type: 'progress'; fraction: number | null }
  /** A reply that took `ms` has ended in the chat with that title. */
  | { type: 'reply-ended'; title: string; ms: number }
  /** Shows the menu below the button at this position, CSS pixels. */
  | { type: 'menu'; x: number; y: number };

const MAX_TITLE = 500;
const position = v.pipe(v.number(), v.finite(), v.minValue(0), v.maxValue(100_000));

const desktopMessage = schemaOf<DesktopMessage>()(
  v.variant('type', [
    v.strictObject({
      type: v.literal('progress'),
      fraction: v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
    }),
    v.strictObject({
      type: v.literal('reply-ended'),
      title: v.pipe(v.string(), v.maxLength(MAX_TITLE)),
      ms: v.pipe(v.number(), v.finite(), v.minValue(0)),
    }),
    v.strictObject({ type: v.literal('menu'), x: position, y: position }),
  ]),
);

/** @returns null if it is not such a message */
export function readDesktopMessage(value: unknown): DesktopMessage | null {
  const parsed = v.safeParse(desktopMessage, value);
  return parsed.success ? parsed.output : null;
}

const HASH = /^#chat=([\w-]{0,100})$/;

/**
 * Fragment of the page's address, which names the chat that its window shows: a window is restored, or reloaded, with it.
 * @param id null for a new chat
 */
export function chatHash(id: string | null): string {
  return `#chat=${id ?? ''}`;
}

/** @returns null if the fragment names none, so that the last one is shown */
export function chatOfHash(hash: string): { id: string | null } | null {
  const id = HASH.exec(hash)?.[1];
  return id === undefined ? null : { id: id === '' ? null : id };
}
