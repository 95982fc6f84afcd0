import { beforeEach, expect, it } from 'vitest';
import { MODEL } from '../test-support/fakes.ts';
import { openSession } from '../test-support/session.ts';
import { fits, promptSize } from './prompt-fit.ts';

let opened: Awaited<ReturnType<typeof openSession>>;

beforeEach(async () => {
  opened = await openSession();
});

it.each([
  [999, true],
  [1000, false],
  [1001, false],
])('a prompt of %i tokens leaves room for a reply in a window of 1,000: %s', (tokens, expected) => {
  expect(fits({ tokens, window: 1000 })).toBe(expected);
});

it('is the number of tokens that the engine would read, with its limits', async () => {
  const { api, engine, session } = opened;
  const asked: unknown[] = [];
  api.answers.renderChat = (params) => {
    asked.push(params);
    return { text: '', ids: [1, 2, 3], tokens: [], segments: [], notices: [] };
  };
  const prompt = session.promptOf('Hello');
  expect(await promptSize(prompt, 12, engine)).toEqual({ tokens: 3, window: MODEL.contextSize });
  expect(asked).toMatchObject([{ messages: [{ role: 'user', text: 'Hello' }], whenFull: 'stop', maxTokens: 12 }]);
});

it('is unknown when the template fails', async () => {
  const { engine, session } = opened;
  expect(await promptSize(session.promptOf('Hello'), 12, engine)).toBeNull();
});
