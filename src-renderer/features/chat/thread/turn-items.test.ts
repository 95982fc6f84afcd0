import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import type { AppModel } from '../state/app-model.svelte.ts';
import type { ChatTurn } from '../state/chat-document.svelte.ts';
import { toasts } from '../../../ui/toasts.svelte.ts';
import { messageFrom } from '../attachments/message-text.ts';
import { branchItem, copyItems, deleteTurn, discardEdit } from './turn-items.ts';

const FRAME_MS = 16;
const turn = { id: 'a', role: 'user', text: 'Once' } as ChatTurn;
const undo = async () => undefined;
const session = { busy: false, turns: { countAfter: () => 0, remove: async () => undo, branchAt: () => undo } };
const app = { session } as unknown as AppModel;

/** Whether the focus is in a text field. */
let isTyping: boolean;
/** What took the focus. */
let focused: string[];

beforeEach(() => {
  vi.useFakeTimers();
  [isTyping, focused] = [false, []];
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => setTimeout(callback, FRAME_MS));
  vi.stubGlobal('cancelAnimationFrame', (id: number) => clearTimeout(id));
  vi.stubGlobal('document', {
    activeElement: { matches: () => isTyping },
    querySelector: (selector: string) => ({ focus: () => focused.push(selector) }),
  });
  onTestFinished(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
});

it('moves the focus to the thread after a deletion, and to the composer for a branch', async () => {
  await deleteTurn(app, turn);
  vi.advanceTimersByTime(FRAME_MS);
  branchItem(app, turn).onselect?.();
  vi.advanceTimersByTime(FRAME_MS);
  expect(focused).toEqual(['[data-region="thread"]', '[data-testid="composer"]']);
});

it('copies what a person typed as it is, without the files', async () => {
  const writeText = vi.fn<(text: string) => Promise<void>>(() => Promise.resolve());
  vi.stubGlobal('navigator', { clipboard: { writeText } });
  const file = { id: 'f', name: 'note.txt', kind: 'text', bytes: 7, content: 'Inside.', notes: [] } as const;
  const itemsOf = (typed: string) => copyItems({ id: 'a', role: 'user', ...messageFrom(typed, [file]) } as ChatTurn);
  for (const { onselect } of itemsOf('2*3*4')) onselect?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(writeText.mock.calls).toEqual([['2*3*4'], ['2*3*4']]);
  expect(itemsOf('').map(({ disabled }) => disabled)).toEqual([true, true]);
});

it('brings a discarded edit back in its own chat, whatever chat is open by then', () => {
  const setText = vi.fn();
  const turns = { textOf: () => 'Changed', originalOf: () => 'Once', close: () => undefined, setText };
  const chats = { current: { id: 'mine' } };
  discardEdit({ chats, session: { turns } } as unknown as AppModel, turn);
  chats.current = { id: 'another' };
  toasts.undo(toasts.list.at(-1)!.id);
  expect(setText).toHaveBeenCalledWith(turn, 'edit', 'Changed', { id: 'mine' });
});

it('leaves the focus in a text field that was chosen meanwhile', async () => {
  await deleteTurn(app, turn);
  branchItem(app, turn).onselect?.();
  isTyping = true;
  vi.advanceTimersByTime(FRAME_MS);
  expect(focused).toEqual([]);
});
