import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

test.describe('a reply shows its exact stop reason', () => {
  test.beforeEach(async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.ready();
    await chat.greedy();
    await chat.openPanel('stop');
  });

  test('the model ended the text', { tag: '@full' }, async ({ app }) => {
    const chat = new ChatPage(app.page);
    const { text, reason } = await chat.ask('Hello world');
    expect(reason).toBe('eos');
    await expect(chat.lastStop).toContainText(/finished/i);
    // The next step, as after the other reasons.
    await chat.set('maxTokens', 8);
    await chat.lastReply.getByTestId('continue-anyway').click();
    await expect.poll(async () => ((await chat.lastText.textContent()) ?? '').length).toBeGreaterThan(text.length + 1);
    expect((await chat.finished()).text.startsWith(text)).toBe(true);
    await expect(chat.replies).toHaveCount(1);
  });

  test('the token limit', { tag: '@full' }, async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.set('maxTokens', 5);
    expect(await chat.ask('Hello world')).toEqual({ text: '! How are you?', reason: 'max_tokens' });
    await expect(chat.lastStop).toContainText('5');
  });

  test('a stop string, which is not shown', async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.set('stopStrings', 'very well');
    expect(await chat.ask('Hello world')).toEqual({ text: '! How are you? I am', reason: 'stop_string' });
    await expect(chat.lastStop).toContainText('very well');
  });

  test('Continue passes the stop string until it comes again', { tag: '@full' }, async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.set('stopStrings', 'you');
    expect(await chat.ask('Hello world')).toEqual({ text: '! How are', reason: 'stop_string' });
    for (const [text, reason] of [
      ['! How are you? I am very well, thank', 'stop_string'],
      ['! How are you? I am very well, thank you! They became good friends.', 'eos'],
    ]) {
      await chat.lastReply.getByTestId('continue').click();
      await expect(chat.lastText).toHaveText(text ?? '');
      expect((await chat.finished()).reason).toBe(reason);
    }
  });

  test('a repetition loop', { tag: '@full' }, async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.set('ignoreEos', true);
    await chat.set('maxTokens', 900);
    expect((await chat.ask('red red red red')).reason).toBe('repetition');
    // The last ten tokens equal the ten before them: the model's window of 10.
    await expect(chat.lastStop).toContainText('the last token appeared 20 times in a row');
  });

  test('the time limit', { tag: '@full' }, async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.endless();
    await chat.openPanel('stop');
    await chat.set('timeLimitMs', 1);
    expect((await chat.ask('The cat sat on the')).reason).toBe('time_limit');
    await expect(chat.lastStop).toContainText('1 s');
  });

  test('the context window, to its last token', { tag: '@full' }, async ({ app }) => {
    const chat = new ChatPage(app.page);
    await chat.endless();
    await chat.set('useKvCache', true);
    expect((await chat.ask('The cat sat on the')).reason).toBe('context_full');
    await expect(chat.lastStop).toContainText('1,000');
    const meter = chat.id('context-meter');
    await expect(meter).toHaveAttribute('data-used', '1000');
    await expect(meter).toHaveAttribute('data-level', 'danger');
  });

  test(
    'the token limit after a full window, when the oldest half may be dropped',
    { tag: '@full' },
    async ({ app }) => {
      const chat = new ChatPage(app.page);
      await chat.endless();
      await chat.set('useKvCache', true);
      await chat.id('setting-whenFull-shift').check();
      await chat.openPanel('stop');
      await chat.set('maxTokens', 1100);
      await chat.openPanel('context');
      expect((await chat.ask('The cat sat on the')).reason).toBe('max_tokens');
      await expect(chat.lastStop).toHaveAttribute('title', /The oldest 4\d\d tokens were dropped/);
      const used = Number(await chat.id('context-meter').getAttribute('data-used'));
      expect(used).toBeGreaterThan(500);
      expect(used).toBeLessThan(1000);
    },
  );

  test('a text longer than the window is refused with both numbers, and nothing is lost', async ({ app }) => {
    const chat = new ChatPage(app.page);
    const text = 'the cat '.repeat(600).trim();
    await chat.id('composer').fill(text);
    await chat.id('composer').press('Enter');
    const notice = chat.id('too-long');
    await expect(notice).toContainText('1,201');
    await expect(notice).toContainText('1,000');
    await expect(notice).toContainText('Shorten the text.');
    await expect(chat.id('send')).toBeDisabled();
    await expect(chat.id('composer')).toHaveValue(text);
    await expect(chat.id('user-turn')).toHaveCount(0);
    await chat.id('composer').fill('');
    expect((await chat.ask('Hello world')).reason).toBe('eos');
  });
});
