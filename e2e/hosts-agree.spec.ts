import { join } from 'node:path';
import { capture, root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { expect, test } from './support/test.ts';

interface RunJson {
  seed: number;
  reply: { text: string; ids: number[] };
  stop: { reason: string };
}

async function inTerminal(dataDir: string, prompt: string, flags: string[]): Promise<RunJson> {
  const command = [join(root, 'scripts/tokenscope.mjs'), 'run', prompt, '--json', ...flags];
  const env = { ...process.env, TOKENSCOPE_DATA_DIR: dataDir };
  const { code, stdout, stderr } = await capture(process.execPath, command, { env });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as RunJson;
}

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

for (const seed of isFull ? [0, 1, 42] : [42]) {
  test(
    `the same seed gives the same text here and in the terminal, seed ${seed}`,
    { tag: '@once' },
    async ({ app, dataDir }) => {
      const prompt = 'Once upon a time, there was a little';
      const flags = ['--max-tokens', '40', '--temperature', '0.7', '--seed', String(seed)];
      const expected = await inTerminal(dataDir, prompt, flags);
      const chat = new ChatPage(app.page);
      await app.services.invoke('settingsSet', { rawReplies: true });
      await chat.ready();
      await chat.openPanel('stop');
      await chat.set('maxTokens', 40);
      await chat.openPanel('sampling');
      await chat.set('temperature', 0.7);
      await chat.set('seed', seed);
      const reply = await chat.ask(prompt);
      expect(reply).toEqual({ text: expected.reply.text.trim(), reason: expected.stop.reason });
      await expect(chat.lastReply.getByTestId('reply-stats')).toContainText(String(seed));
    },
  );
}
