import { describe, expect, it } from 'vitest';
import type { ChatMessage, PromptSegment } from '../../../../src-main/engine/api/types.ts';
import { renderedParts, startOf, visibleRoles } from './rendered.ts';

const MESSAGES: ChatMessage[] = [
  { role: 'system', text: 'Be brief. ' },
  { role: 'user', text: 'user' },
  { role: 'assistant', text: 'user' },
  { role: 'user', text: 'gone' },
];
const segments = (dropped: number[]): PromptSegment[] =>
  MESSAGES.map(({ role }, message) => ({ role, message, tokens: 1, dropped: dropped.includes(message) }));

describe('renderedParts', () => {
  it('tells what was said from what the template put around it', () => {
    const text = '<s>Be brief.</s><u>user</u><a>user</a>';
    const parts = renderedParts(text, MESSAGES, segments([3]));
    expect(parts).toEqual([
      { role: 'template', text: '<s>' },
      { role: 'system', text: 'Be brief.' },
      { role: 'template', text: '</s><u>' },
      { role: 'user', text: 'user' },
      { role: 'template', text: '</u><a>' },
      { role: 'assistant', text: 'user' },
      { role: 'template', text: '</a>' },
    ]);
    expect(parts.map((part) => part.text).join('')).toBe(text);
  });

  it('leaves to the template what it does not find', () => {
    expect(renderedParts('BE BRIEF.', MESSAGES, segments([]))).toEqual([{ role: 'template', text: 'BE BRIEF.' }]);
    expect(renderedParts('', MESSAGES, segments([]))).toEqual([]);
  });
});

it('shows a start token that the text does not contain', () => {
  const start = { piece: '<s>', special: true, range: null };
  const word = { piece: 'Once', special: false, range: [0, 4] as [number, number] };
  expect(startOf([start, word])).toBe('<s>');
  expect(startOf([start])).toBe('<s>');
  expect(startOf([{ ...start, range: [0, 3] }, word])).toBe('');
  expect(startOf([word, start])).toBe('');
});

it('lists no role of which only white space is shown', () => {
  const parts = renderedParts('Be brief. user', MESSAGES, segments([2, 3]));
  expect(parts.map(({ role }) => role)).toEqual(['system', 'template', 'user']);
  expect(visibleRoles(parts)).toEqual(['system', 'user']);
});
