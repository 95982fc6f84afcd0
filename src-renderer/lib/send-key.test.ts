import { expect, it } from 'vitest';
import { isSendKey } from './send-key.ts';

type Held = 'ctrlKey' | 'metaKey' | 'shiftKey';
const press = (key: string, ...held: Held[]) => {
  const event = { key, ctrlKey: false, metaKey: false, shiftKey: false };
  for (const one of held) event[one] = true;
  return event;
};

it('is Enter, or only Enter with Control or Command', () => {
  const sent = (...held: Held[]) => [
    isSendKey(press('Enter', ...held), 'enter'),
    isSendKey(press('Enter', ...held), 'ctrl_enter'),
  ];
  expect(sent()).toEqual([true, false]);
  expect(sent('shiftKey')).toEqual([false, false]);
  expect(sent('ctrlKey')).toEqual([true, true]);
  expect(sent('metaKey')).toEqual([true, true]);
  expect(isSendKey(press('a', 'ctrlKey'), 'ctrl_enter')).toBe(false);
});
