import { expect, it, vi } from 'vitest';
import type { AppModel } from '../state/app-model.svelte.ts';
import type { ChatTurn } from '../state/chat-document.svelte.ts';
import { onTurnKey } from './turn-keys.ts';

const turn = { id: 'b' } as ChatTurn;

function setUp({ busy = false, comingId = null as string | null } = {}) {
  const session = { busy, showVersion: vi.fn(), turns: { open: vi.fn(), remove: vi.fn(), countAfter: vi.fn() } };
  const chats = { comingId, current: { versionsOf: () => ['a', 'b'] } };
  const onreplaced = vi.fn();
  const article = {};
  /** @returns whether the default action follows */
  const press = (key: string, { altKey = false, shiftKey = false, code = '', target = article } = {}) => {
    const preventDefault = vi.fn();
    const held = { altKey, shiftKey, ctrlKey: false, metaKey: false };
    const event = { key, code, ...held, target, currentTarget: article, preventDefault };
    onTurnKey(event as unknown as KeyboardEvent, { session, chats } as unknown as AppModel, turn, onreplaced);
    return preventDefault.mock.calls.length === 0;
  };
  return { session, onreplaced, press };
}

it('shows other versions and opens the editor, and leaves other keys alone', () => {
  const { session, onreplaced, press } = setUp();
  expect(press('ArrowLeft', { altKey: true })).toBe(false);
  expect(session.showVersion).toHaveBeenLastCalledWith(turn, 0);
  expect(press('ArrowRight', { altKey: true })).toBe(false);
  expect(session.showVersion).toHaveBeenLastCalledWith(turn, 2);
  expect(onreplaced).toHaveBeenCalledTimes(2);
  expect(press('e')).toBe(false);
  expect(session.turns.open).toHaveBeenCalledExactlyOnceWith(turn);
  expect(press('e', { altKey: true })).toBe(true);
  expect(press('e', { target: {} })).toBe(true);
  expect(press('ArrowLeft')).toBe(true);
  expect(session.turns.open).toHaveBeenCalledOnce();
});

it('opens the editor with Caps Lock, and with the key of another alphabet', () => {
  const { session, press } = setUp();
  expect(press('E')).toBe(false);
  expect(press('у', { code: 'KeyE' })).toBe(false);
  expect(session.turns.open).toHaveBeenCalledTimes(2);
  expect(press('E', { shiftKey: true })).toBe(true);
  expect(session.turns.open).toHaveBeenCalledTimes(2);
});

it('keeps the browser on the page while a reply runs', () => {
  const { session, onreplaced, press } = setUp({ busy: true });
  expect(press('ArrowLeft', { altKey: true })).toBe(false);
  expect(press('ArrowRight', { altKey: true })).toBe(false);
  expect(session.showVersion).not.toHaveBeenCalled();
  expect(onreplaced).not.toHaveBeenCalled();
});

it('changes nothing while another chat is on its way', () => {
  const { session, press } = setUp({ comingId: 'another' });
  expect([press('e'), press('Delete'), press('ArrowLeft', { altKey: true })]).toEqual([false, false, false]);
  expect(session.turns.open).not.toHaveBeenCalled();
  expect(session.turns.remove).not.toHaveBeenCalled();
  expect(session.showVersion).not.toHaveBeenCalled();
});
