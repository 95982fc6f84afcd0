import { describe, expect, it } from 'vitest';
import { COMMANDS, type CommandInfo } from './commands/commands.ts';
import { commandFor } from './keyboard.ts';

const press = (key: string, held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});
const typing = { typing: true, mac: false };
const free = { typing: false, mac: false };

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
    expect(commandFor(press('n', { metaKey: true }), { typing: true, mac: true })).toBe('new-chat');
    expect(commandFor(press('n', { ctrlKey: true }), { typing: true, mac: true })).toBeNull();
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
    expect(commandFor(press('k', { metaKey: true }), { typing: true, mac: true })).toBe('palette');
    expect(commandFor(press('f', { ctrlKey: true }), typing)).toBe('find');
    expect(commandFor(press(',', { ctrlKey: true }), typing)).toBe('settings');
    // With Shift on most keyboards, without it on some.
    expect(commandFor(press('?', { shiftKey: true }), free)).toBe('shortcuts');
    expect(commandFor(press('?'), free)).toBe('shortcuts');
    expect(commandFor(press('?', { shiftKey: true }), typing)).toBeNull();
  });
  it('has one command for each key', () => {
    const keys = COMMANDS.flatMap((command: CommandInfo) => command.keys ?? []);
    expect(new Set(keys).size).toBe(keys.length);
    expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
  });
  it('leaves other keys alone', () => {
    expect(commandFor(press('x'), free)).toBeNull();
    expect(commandFor(press('t', { altKey: true }), free)).toBeNull();
  });
});
