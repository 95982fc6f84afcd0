import { expect, it } from 'vitest';
import type { AppModel } from '../state/app-model.svelte.ts';
import type { ChatTurn } from '../state/chat-document.svelte.ts';
import { editableMessage } from './last-message.ts';

const turn = (id: string, role: ChatTurn['role']) => ({ id, role }) as ChatTurn;
const PATH = [turn('a', 'user'), turn('b', 'assistant'), turn('c', 'user'), turn('d', 'assistant')];

/** @param edited the text in the open editor of the last message */
function find({ path = PATH, busy = false, comingId = null as string | null, edited = null as string | null } = {}) {
  const session = { busy, turns: { textOf: () => edited } };
  return editableMessage({ session, chats: { comingId, current: { path } } } as unknown as AppModel);
}

it('is the last one of the chat', () => {
  expect(find()).toBe(PATH[2]);
  expect(find({ path: PATH.slice(0, 3) })).toBe(PATH[2]);
  expect(find({ path: [] })).toBeNull();
});

it('is none while a reply runs, another chat is on its way, or its editor is open', () => {
  expect(find({ busy: true })).toBeNull();
  expect(find({ comingId: 'another' })).toBeNull();
  expect(find({ edited: '' })).toBeNull();
});
