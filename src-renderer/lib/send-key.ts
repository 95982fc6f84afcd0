import type { SendKey } from '../../src-main/protocol/app/app-services.ts';

/** Names of the keys that send a message, and of those that then start a new line, for `keyName`. */
export const SEND_KEY_NAMES: Readonly<Record<SendKey, string>> = { enter: 'Enter', ctrl_enter: 'Ctrl Enter' };
export const NEW_LINE_KEY_NAMES: Readonly<Record<SendKey, string>> = { enter: 'Shift Enter', ctrl_enter: 'Enter' };

/** Whether a key sends what is typed in a text box. Enter with Control or Command always does. */
export function isSendKey(
  event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey'>,
  sendWith: SendKey,
): boolean {
  if (event.key !== 'Enter') return false;
  return event.ctrlKey || event.metaKey || (sendWith === 'enter' && !event.shiftKey);
}
