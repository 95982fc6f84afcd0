import { expect, it } from 'vitest';
import { memoryStorage } from '../test-support/fakes.ts';
import { Drafts } from './drafts.svelte.ts';

it('keeps a draft per chat over a restart', () => {
  const storage = memoryStorage();
  const drafts = new Drafts(storage);
  drafts.set('a', 'one');
  drafts.set('b', 'two');
  drafts.set('b', '');
  drafts.flush();
  const again = new Drafts(storage);
  expect(again.get('a')).toBe('one');
  expect(again.get('b')).toBe('');
});

it('keeps what another page has stored', () => {
  const storage = memoryStorage();
  const [one, two] = [new Drafts(storage), new Drafts(storage)];
  one.set('a', 'one');
  one.flush();
  two.set('b', 'two');
  two.flush();
  expect(new Drafts(storage).get('a')).toBe('one');
});

it('keeps the newest 100, and long ones in memory only', () => {
  const storage = memoryStorage();
  const drafts = new Drafts(storage);
  for (let at = 0; at < 101; at++) drafts.set(`c${at}`, 'text');
  drafts.set('long', 'x'.repeat(200_001));
  drafts.flush();
  expect(drafts.get('long')).toHaveLength(200_001);
  const again = new Drafts(storage);
  expect([again.get('c0'), again.get('c1'), again.get('long')]).toEqual(['', 'text', '']);
});

it('lives without a storage, and with a damaged one', () => {
  const full = {
    getItem: () => '[1]',
    setItem: () => {
      throw new Error('full');
    },
  };
  for (const storage of [null, full]) {
    const drafts = new Drafts(storage);
    drafts.set('a', 'one');
    drafts.flush();
    expect(drafts.get('a')).toBe('one');
  }
});
