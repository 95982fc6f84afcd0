import { describe, expect, it } from 'vitest';
import { argumentOf, MAX_QUESTION, requestIn, requestsIn, type OpenRequest } from './open-requests.ts';

const FOLDER = '/home/ada';

describe('files', () => {
  it.each([
    ['/models/a.gguf', '/models/a.gguf'],
    ['a.gguf', '/home/ada/a.gguf'],
    ['file:///models/a%20b.gguf', '/models/a b.gguf'],
    // Recognised by its first bytes, whatever its name is.
    ['/models/blobs/sha256-1234', '/models/blobs/sha256-1234'],
  ])('%s', (arg, path) => {
    expect(requestIn(arg, FOLDER)).toEqual({ type: 'model', path });
  });

  it('ignores switches and files of other computers', () => {
    expect(requestsIn(['--enable-features=X', '-r', '', 'file://server/a.gguf', 'b.gguf'], FOLDER)).toEqual([
      { type: 'model', path: '/home/ada/b.gguf' },
    ]);
  });
});

describe('links', () => {
  it('open a question', () => {
    const request = requestIn('tokenscope://ask?text=What%20is%20a%20token%3F', FOLDER);
    expect(request).toEqual({ type: 'question', text: 'What is a token?' });
    // Some systems add a slash.
    expect(requestIn('tokenscope://ask/?text=Hi', FOLDER)).toEqual({ type: 'question', text: 'Hi' });
  });

  it.each([
    'tokenscope://ask',
    'tokenscope://ask?text=%20',
    'tokenscope://load?model=/etc/passwd',
    'tokenscope:///models/a.gguf',
    'tokenscope://ask.example?text=a',
    'https://example.com/?text=a',
    'javascript:alert(1)',
  ])('%s opens nothing', (link) => {
    expect(requestIn(link, FOLDER)).toBeNull();
  });

  it('keep line breaks, but no other control characters, and end somewhere', () => {
    const request = requestIn(`tokenscope://ask?text=a%0Ab%00%1B%5B31m${'x'.repeat(5000)}`, FOLDER);
    expect(request?.type === 'question' && request.text.startsWith('a\nb[31mx')).toBe(true);
    expect(request?.type === 'question' && request.text).toHaveLength(MAX_QUESTION);
    const cut = requestIn(`tokenscope://ask?text=${'x'.repeat(MAX_QUESTION - 1)}😀`, FOLDER);
    expect(cut).toEqual({ type: 'question', text: 'x'.repeat(MAX_QUESTION - 1) });
  });
});

it.each<OpenRequest>([
  { type: 'model', path: '/models/a b.gguf' },
  { type: 'question', text: 'Is 1 + 1 > 2 & 3?\nA "token" 😀' },
])('a $type can be passed on', (request) => {
  expect(requestIn(argumentOf(request), FOLDER)).toEqual(request);
});
