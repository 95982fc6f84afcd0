import { expect, it } from 'vitest';
import { firstPrompts, leadText } from './prompts.ts';

it('prompts and text fit what the model does', () => {
  expect(leadText(null, null)).toContain('comes with the app');
  expect(leadText({ name: 'TinyTransformer', answers: false, builtIn: true }, null)).toContain('children’s story');
  expect(leadText({ name: 'gpt2', answers: false, builtIn: false }, null)).toMatch(
    /^gpt2 runs .* The model continues it\.$/,
  );
  const chat = leadText({ name: 'SmolLM2', answers: true, builtIn: false }, null);
  expect(chat).toContain('Ask it a question');
  expect(chat).not.toContain('continues');
  expect(leadText(null, 'SmolLM2')).toBe('Loading SmolLM2…');
  // Keys 1 to 3 choose one, and each shows something else.
  for (const answers of [true, false]) {
    expect(firstPrompts(answers).map(({ opens }) => opens)).toEqual(['text', 'tokens', 'rate']);
  }
  expect(firstPrompts(true).every(({ text }) => /[.?]$/.test(text))).toBe(true);
  expect(firstPrompts(false).some(({ text }) => /[.?]$/.test(text))).toBe(false);
});
