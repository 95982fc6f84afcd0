import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

interface RunJson {
  seed: number;
  reply: { text: string; ids: number[] };
  stop: { reason: string };
}

async function inTerminal(prompt: string, flags: string[]): Promise<RunJson> {
  const { code, stdout, stderr } = await capture(process.execPath, [
    join(root, 'scripts/tokenscope.mjs'),
    'run',
    prompt,
    '--json',
    ...flags,
  ]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as RunJson;
}

for (const seed of [0, 1, 42]) {
  test(`the same seed gives the same text here and in the terminal, seed ${seed}`, async ({ app }) => {
    const prompt = 'Once upon a time, there was a little';
    const expected = await inTerminal(prompt, ['--max-tokens', '40', '--temperature', '0.7', '--seed', String(seed)]);
    const chat = new ChatPage(app.page);
    await chat.ready();
    await chat.openPanel('stop');
    await chat.set('maxTokens', 40);
    await chat.openPanel('sampling');
    await chat.set('temperature', 0.7);
    await chat.set('seed', seed);
    const reply = await chat.ask(prompt);
    expect(reply).toEqual({ text: expected.reply.text.trim(), reason: expected.stop.reason });
    await expect(chat.lastReply.getByTestId('reply-stats')).toContainText(String(seed));
  });
}
