import { expect, it, onTestFinished, vi } from 'vitest';
import { REPLY_FACTS } from '../test-support/fakes.ts';
import { dataFolder, openStore, PageLine } from '../test-support/store.ts';
import { ChatsState } from './chats.svelte.ts';
import { ReplyBeats } from './reply-beats.ts';

it('a reply whose prompt is processed for long is not taken for interrupted by another page', async () => {
  const store = await openStore(await dataFolder());
  const channels = [0, 1].map(() => new BroadcastChannel('test.replies'));
  onTestFinished(() => channels.forEach((channel) => channel.close()));
  const [here, there] = channels.map(
    (channel) => new ChatsState(new PageLine(store), undefined, undefined, new ReplyBeats(channel)),
  ) as [ChatsState, ChatsState];
  const chat = here.current;
  chat.addUserTurn('Once');
  const reply = chat.addReply(REPLY_FACTS);
  await here.flush();
  await there.select(chat.id);
  const shown = there.current.reply(reply.id)!;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  here.follow(chat, reply);
  for (let seconds = 1; seconds <= 30; seconds++) {
    vi.advanceTimersByTime(1000);
    // The message arrives.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    if (seconds > 2) expect(shown.interrupted, `after ${seconds} s`).toBe(false);
  }
});
