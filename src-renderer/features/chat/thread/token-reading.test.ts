import { afterEach, expect, it, vi } from 'vitest';
import { announcements } from '../../../ui/live-region.svelte.ts';
import { end, start, tokens } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { TokenReading } from './token-reading.svelte.ts';

afterEach(() => void vi.unstubAllGlobals());

it('says of typed text that no model generated it, and does not branch there', async () => {
  vi.stubGlobal('requestAnimationFrame', vi.fn());
  const { api, chats, session } = await openSession();
  api.scripts = [[start(), ...tokens(2), end(2)]];
  await session.send('Once');
  await session.turns.saveReply(chats.current.lastReply!, 't0 by hand', false);
  const reply = chats.current.lastReply!;
  const body = {} as HTMLElement;
  const branch = vi.fn();
  const reading = new TokenReading({
    ...{ reply, asTokens: true, recomputed: session.recomputedOf(reply), busy: false, branchBlocked: null, body },
    ...{ branch, explain: vi.fn(), look: vi.fn() },
  });
  const press = (key: string, code = '') => {
    const event = { key, code, target: body, preventDefault: vi.fn(), stopPropagation: vi.fn() };
    reading.onkeydown(event as unknown as KeyboardEvent);
  };
  press('Home');
  expect(announcements.text).toMatch(/^t0, 50\s% likely/);
  press('ArrowRight');
  expect(announcements.text).toBe('·by·hand, not generated');
  press('b');
  expect(announcements.text).toBe('No model generated this text.');
  expect(branch).not.toHaveBeenCalled();
  // The token before it is the model's own. On a Greek keyboard, too.
  press('ArrowLeft');
  press('β', 'KeyB');
  expect(branch.mock.calls).toEqual([[0, reply.idOf(0)]]);
});
