import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

test(
  'the engine crashes during a reply: the text stays, the app reports it, the next message works',
  { tag: '@once' },
  async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.ready();
    await chat.endless();
    await chat.send('Once upon a time, there was a little');
    await expect.poll(async () => ((await chat.lastText.textContent()) ?? '').length).toBeGreaterThan(60);
    await app.killEngine();
    await expect(chat.lastStop).toHaveAttribute('data-reason', 'error');
    await chat.finished();
    const kept = (await chat.lastText.textContent()) ?? '';
    expect(kept.length).toBeGreaterThan(60);
    await expect(chat.id('error-card')).toContainText(/engine stopped/i);
    await chat.ready();

    await chat.id('error-card').getByTestId('continue').click();
    await expect.poll(async () => ((await chat.lastText.textContent()) ?? '').length).toBeGreaterThan(kept.length + 10);
    await chat.id('stop').click();
    await chat.finished();
    expect(await chat.lastText.textContent()).toContain(kept.trim());

    await chat.newChat();
    await chat.openPanel('stop');
    await chat.set('ignoreEos', false);
    await chat.greedy();
    expect((await chat.ask('Hello world')).reason).toBe('eos');
  },
);
