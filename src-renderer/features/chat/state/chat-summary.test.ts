import { expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import type { ChatMessage } from '../../../../src-main/engine/api/types.ts';
import { end, FakeEngine, MODEL, start, tokens } from '../test-support/fakes.ts';
import { summarise } from './chat-summary.ts';

/** An engine whose tokens are words. */
function engine(): FakeEngine {
  const fake = new FakeEngine();
  fake.answers.renderChat = ({ messages }) => {
    const ids = messages.flatMap(({ text }) => text.split(/\s+/u)).map((_, index) => index);
    return { text: '', ids, tokens: [], segments: [], notices: [] };
  };
  fake.scripts = [[start(), ...tokens(3), end(3)]];
  return fake;
}

const messages = (count: number): ChatMessage[] => [
  { role: 'system', text: 'Be brief.' },
  ...Array.from({ length: count }, (_, index): ChatMessage => {
    return { role: index % 2 === 0 ? 'user' : 'assistant', text: `message number ${index} of this conversation` };
  }),
];

const OPTIONS = {
  model: { ...MODEL, contextSize: 200 },
  template: { kind: 'model' },
  sampling: defaultSamplingParams(),
  recorder: { versions: () => Promise.resolve({}), noteStart: () => undefined },
} as const;

const asked = (fake: FakeEngine) => {
  const prompt = fake.requests[0]?.prompt;
  return prompt?.kind === 'chat' ? (prompt.messages[0]?.text ?? '') : '';
};

it('reads the whole conversation, without the instructions', async () => {
  const fake = engine();
  const { signal } = new AbortController();
  const summary = await summarise(messages(3), { engine: fake, ...OPTIONS, signal });
  expect(summary).toMatchObject({ text: 't0 t1 t2', cut: false, request: asked(fake) });
  expect(summary.reply).toMatchObject({ model: MODEL.name, count: 3, stop: { reason: 'eos' } });
  expect(asked(fake)).toContain('User: message number 0');
  expect(asked(fake)).not.toContain('Be brief');
  // A quarter of a small window.
  expect(fake.requests[0]?.stop.maxTokens).toBe(50);
});

it('leaves out the beginning of a longer one, up to a whole word, and leaves room for the summary', async () => {
  const fake = engine();
  const { signal } = new AbortController();
  const summary = await summarise(messages(100), { engine: fake, ...OPTIONS, signal });
  expect(summary.cut).toBe(true);
  expect(asked(fake)).toContain('message number 99');
  expect(asked(fake)).not.toContain('message number 0 ');
  const words = asked(fake).split(/\s+/u);
  expect(words.length).toBeLessThanOrEqual(150);
  expect(words.length).toBeGreaterThan(120);
  expect(asked(fake)).toMatch(/^.*\n\n(User:|Assistant:|message|number|\d+|of|this|conversation)\s/u);
});
