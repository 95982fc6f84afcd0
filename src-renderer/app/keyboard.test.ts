import { describe, expect, it } from 'vitest';
import { SEND_KEYS, type SendKey } from '../../src-main/protocol/app/app-services.ts';
import { hostKeys } from '../lib/browser-keys.ts';
import { COMMAND_GROUPS, COMMANDS, CONTROL_KEYS, keyRowsOf, type CommandInfo } from './commands/commands.ts';
import { commandFor } from './keyboard.ts';

type Held = 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey' | 'isComposing';

/** @param code of keys that are found by their position */
const press = (key: string, held: Partial<Record<Held, boolean>> = {}, code = '') => ({
  key,
  code,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  isComposing: false,
  ...held,
});
const typing = { typing: true, mac: false, browser: false };
const free = { typing: false, mac: false, browser: false };
const onMac = { typing: true, mac: true, browser: false };

describe('commandFor', () => {
  it('moves between regions from anywhere', () => {
    expect(commandFor(press('F6'), typing)).toBe('next-region');
    expect(commandFor(press('F6', { shiftKey: true }), free)).toBe('previous-region');
  });
  it('changes views and starts a chat with Control, or Command on a Mac', () => {
    expect(commandFor(press('1', { ctrlKey: true }), typing)).toBe('view-chat');
    expect(commandFor(press('2', { ctrlKey: true }), typing)).toBe('view-compare');
    expect(commandFor(press('3', { ctrlKey: true }), typing)).toBe('view-models');
    expect(commandFor(press('4', { ctrlKey: true }), free)).toBe('view-tokenizer');
    expect(commandFor(press('5', { ctrlKey: true }), free)).toBe('view-inside');
    expect(commandFor(press('n', { ctrlKey: true }), typing)).toBe('new-chat');
    expect(commandFor(press('n', { metaKey: true }), onMac)).toBe('new-chat');
    expect(commandFor(press('n', { ctrlKey: true }), onMac)).toBeNull();
    expect(commandFor(press('n', { ctrlKey: true, shiftKey: true }), free)).toBeNull();
  });
  it('takes letters and digits as text while one types', () => {
    expect(commandFor(press('t'), free)).toBe('toggle-tokens');
    expect(commandFor(press('t'), typing)).toBeNull();
    expect(commandFor(press('2'), free)).toBe('prompt-2');
    expect(commandFor(press('2'), typing)).toBeNull();
    expect(commandFor(press('Escape'), typing)).toBe('escape');
  });
  it('opens the palette, the find bar and the shortcut sheet', () => {
    expect(commandFor(press('k', { ctrlKey: true }), typing)).toBe('palette');
    expect(commandFor(press('k', { metaKey: true }), onMac)).toBe('palette');
    expect(commandFor(press('f', { ctrlKey: true }), typing)).toBe('find');
    expect(commandFor(press(',', { ctrlKey: true }), typing)).toBe('settings');
    // With Shift on most keyboards, without it on some.
    expect(commandFor(press('?', { shiftKey: true }), free)).toBe('shortcuts');
    expect(commandFor(press('?'), free)).toBe('shortcuts');
    expect(commandFor(press('?', { shiftKey: true }), typing)).toBeNull();
  });
  it('has one command for each key', () => {
    const keys = COMMANDS.flatMap((command: CommandInfo) => command.keys ?? []);
    for (const browser of [false, true]) {
      expect(new Set(keys.map((one) => hostKeys(one, browser))).size).toBe(keys.length);
    }
    expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
  });
  it('lists each key once in a group of the shortcut sheet', () => {
    const groups = [...COMMAND_GROUPS, ...CONTROL_KEYS.map(({ group }) => group)];
    expect(new Set(groups).size).toBe(groups.length);
    for (const group of CONTROL_KEYS) {
      for (const sendWith of SEND_KEYS) {
        const rows = keyRowsOf(group, sendWith);
        expect(new Set(rows.map(([keys]) => keys)).size, group.group).toBe(rows.length);
      }
    }
  });
  it('lists the keys that send a message and start a new line, as the setting says', () => {
    const rows = (sendWith: SendKey) => CONTROL_KEYS.flatMap((group) => keyRowsOf(group, sendWith));
    const keysFor = (what: string) => SEND_KEYS.map((one) => rows(one).find(([, does]) => does === what)?.[0]);
    expect(keysFor('Send')).toEqual(['Enter', 'Ctrl Enter']);
    expect(keysFor('New line')).toEqual(['Shift Enter', 'Enter']);
  });
  it('has other keys in a browser, which opens a window with Control and N', () => {
    const inTab = { ...typing, browser: true };
    expect(hostKeys('Ctrl N', true)).toBe('Ctrl Shift O');
    expect(commandFor(press('O', { ctrlKey: true, shiftKey: true }), inTab)).toBe('new-chat');
    expect(commandFor(press('o', { metaKey: true, shiftKey: true }), { ...onMac, browser: true })).toBe('new-chat');
    expect(commandFor(press('n', { ctrlKey: true }), inTab)).toBeNull();
    expect(commandFor(press('o', { ctrlKey: true }), inTab)).toBe('open-model');
    expect(commandFor(press('O', { ctrlKey: true, shiftKey: true }), typing)).toBeNull();
  });
  it('finds keys by their position on layouts of other alphabets', () => {
    expect(commandFor(press('л', { ctrlKey: true }, 'KeyK'), typing)).toBe('palette');
    expect(commandFor(press('כ', { metaKey: true }, 'KeyF'), onMac)).toBe('find');
    expect(commandFor(press('б', { ctrlKey: true }, 'Comma'), typing)).toBe('settings');
    expect(commandFor(press('٣', { ctrlKey: true }, 'Digit3'), typing)).toBe('view-models');
    expect(commandFor(press('е', {}, 'KeyT'), free)).toBe('toggle-tokens');
    expect(commandFor(press('е', {}, 'KeyT'), typing)).toBeNull();
  });
  it('leaves keys to an input method that composes a character', () => {
    expect(commandFor(press('Escape', { isComposing: true }), typing)).toBeNull();
    expect(commandFor(press('k', { ctrlKey: true, isComposing: true }), typing)).toBeNull();
  });
  it('leaves other keys alone', () => {
    expect(commandFor(press('x'), free)).toBeNull();
    expect(commandFor(press('t', { altKey: true }), free)).toBeNull();
  });
});
