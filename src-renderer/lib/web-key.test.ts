import { expect, it } from 'vitest';
import { keyIn, takeWebKey, type KeyPlace } from './web-key.ts';

function tab(hash: string, kept = new Map<string, string>()) {
  const shown: string[] = [];
  const place: KeyPlace = {
    location: { hash, pathname: '/', search: '?a=1' },
    history: { replaceState: (_state, _unused, url) => void shown.push(url) },
    sessionStorage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value) },
  };
  return { place, shown, kept };
}

it('takes the key from the address, which does not show it any more, and has it after a reload', () => {
  const opened = tab('#key=abc-_9');
  expect(takeWebKey(opened.place)).toBe('abc-_9');
  expect(opened.shown).toEqual(['/?a=1']);
  const reloaded = tab('', opened.kept);
  expect(takeWebKey(reloaded.place)).toBe('abc-_9');
  expect(reloaded.shown).toEqual([]);
  // The key of a fresh address counts more than the one from before.
  expect(takeWebKey(tab('#key=new', opened.kept).place)).toBe('new');
  expect(takeWebKey(tab('', opened.kept).place)).toBe('new');
});

it('has none without an address from the terminal', () => {
  for (const hash of ['', '#', '#key=', '#key=a b', '#other=abc', '#key=abc&x']) {
    const { place, shown } = tab(hash);
    expect(takeWebKey(place), hash).toBeNull();
    expect(shown).toEqual([]);
  }
  expect(keyIn('#key=abc')).toBe('abc');
});

it('works in a browser that keeps nothing', () => {
  const refuse = () => {
    throw new DOMException('No storage here.', 'SecurityError');
  };
  const { place } = tab('#key=abc');
  expect(takeWebKey({ ...place, sessionStorage: { getItem: refuse, setItem: refuse } })).toBe('abc');
  expect(takeWebKey({ ...tab('').place, sessionStorage: { getItem: refuse, setItem: refuse } })).toBeNull();
});
