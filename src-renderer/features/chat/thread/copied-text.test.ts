import { expect, it, onTestFinished, vi } from 'vitest';
import type { ReplyPart } from '../../../../src-main/engine/api/types.ts';
import { messageFrom } from '../attachments/message-text.ts';
import { UserTurn, type ChatTurn } from '../state/chat-document.svelte.ts';
import { Reply } from '../state/reply.svelte.ts';
import { REPLY_FACTS, token } from '../test-support/fakes.ts';
import { copySelection } from './copied-text.ts';

const AT = '2026-01-01T00:00:00.000Z';
const FILE = { id: 'f', name: 'note.txt', kind: 'text', bytes: 4, content: 'Inside.', notes: [] } as const;

function messageOf(typed: string): UserTurn {
  const { text, attachments } = messageFrom(typed, [FILE]);
  return new UserTurn('u', null, text, AT, attachments);
}

function replyOf(...parts: [ReplyPart, string][]): Reply {
  const reply = new Reply({ id: 'r', parent: 'u', createdAt: AT, facts: REPLY_FACTS });
  reply.append(parts.map(([part, text], index) => token(index, { part, text })));
  return reply;
}

/** What is copied of selected turns that are not in the DOM. */
function copied(turns: readonly ChatTurn[]): string | undefined {
  const [first, last] = [{}, {}] as Node[];
  const range = { startContainer: first, endContainer: last };
  vi.stubGlobal('document', { getSelection: () => ({ isCollapsed: false, getRangeAt: () => range }) });
  onTestFinished(() => void vi.unstubAllGlobals());
  const setData = vi.fn<(type: string, text: string) => void>();
  const event = { clipboardData: { setData }, preventDefault: () => undefined };
  copySelection(event as unknown as ClipboardEvent, turns, {
    indexOf: (node) => (node === first ? 0 : turns.length - 1),
    elementOf: () => null,
  });
  return setData.mock.lastCall?.[1];
}

it('leaves out files and folded reasoning of turns that are not in the DOM', () => {
  const message = messageOf('What is it?');
  const reply = replyOf(
    ['reasoning_mark', '<think>'],
    ['reasoning', 'Hm.'],
    ['reasoning_mark', '</think>'],
    ['answer', 'A note.'],
  );
  expect(copied([message, reply, message])).toBe('What is it?\n\nA note.\n\nWhat is it?');
  reply.reasoningOpen = true;
  expect(copied([message, reply])).toBe('What is it?\n\n<think>Hm.</think>A note.');
});
