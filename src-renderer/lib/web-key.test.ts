import { expect, it } from 'vitest';
import { signsIn, takeWebKey, type KeyWindow } from './web-key.ts';

function tab(hash: string, kept = new Map<string, string>()) {
  const shown: string[] = [];
  const asked: unknown[] = [];
  const page: KeyWindow = {
    location: { hash, pathname: '/', search: '?a=1' },
    history: { replaceState: (_state, _unused, url) => void shown.push(url) },
    sessionStorage: { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => void kept.set(name, value) },
    async fetch(url, { body }) {
      asked.push([url, JSON.parse(body as string)]);
      const good = (body as string).includes('good');
      return new Response(JSON.stringify(good ? { result: 'the-key' } : { error: {} }), { status: good ? 200 : 401 });
    },
  };
  return { page, shown, kept, asked };
}

it('takes the key from the address, which does not show it any more, and has it after a reload', async () => {
  const opened = tab('#key=abc-_9');
  expect(await takeWebKey(opened.page)).toBe('abc-_9');
  expect(opened.shown).toEqual(['/?a=1']);
  const reloaded = tab('', opened.kept);
  expect(await takeWebKey(reloaded.page)).toBe('abc-_9');
  expect(reloaded.shown).toEqual([]);
  // The key of a fresh address counts more than the one from before.
  expect(await takeWebKey(tab('#key=new', opened.kept).page)).toBe('new');
  expect(await takeWebKey(tab('', opened.kept).page)).toBe('new');
  expect(opened.asked).toEqual([]);
});

it('gets the key for a code that is good once', async () => {
  const opened = tab('#once=good');
  expect(await takeWebKey(opened.page)).toBe('the-key');
  expect(opened.asked).toEqual([['/api/key', { code: 'good' }]]);
  expect(opened.shown).toEqual(['/?a=1']);
  expect(await takeWebKey(tab('', opened.kept).page)).toBe('the-key');
  expect(await takeWebKey(tab('#once=used', opened.kept).page)).toBe('the-key');
  expect(await takeWebKey(tab('#once=used').page)).toBeNull();
});

it('has none without an address from the terminal', async () => {
  for (const hash of ['', '#', '#key=', '#key=a b', '#other=abc', '#key=abc&x']) {
    const { page, shown } = tab(hash);
    expect(await takeWebKey(page), hash).toBeNull();
    expect(shown).toEqual([]);
    expect(signsIn(hash)).toBe(false);
  }
  expect(signsIn('#key=abc')).toBe(true);
});

it('works in a browser that keeps nothing', async () => {
  const refuse = () => {
    throw new DOMException('No storage here.', 'SecurityError');
  };
  const sessionStorage = { getItem: refuse, setItem: refuse };
  expect(await takeWebKey({ ...tab('#key=abc').page, sessionStorage })).toBe('abc');
  expect(await takeWebKey({ ...tab('').page, sessionStorage })).toBeNull();
});
