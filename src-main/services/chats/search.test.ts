import { expect, test } from 'vitest';
import { exactHit } from '../../protocol/app/chats/search-hit.ts';
import { at, openStore, title, userTurn, write } from './test-support/chats.ts';

const SENTENCE = 'The quick brown Fox jumps over the lazy dog. ';

test('a search says where the text is, and reads the line as it was written', async () => {
  const { store } = await openStore();
  const text = `${SENTENCE.repeat(5)}A Needle\nin the hay. ${SENTENCE.repeat(5)}`;
  await store.write(write('c', 0, [title('Foxes'), userTurn('u', null, text)]));
  await store.write(write('t', 0, [title('A needle in the title'), userTurn('u', null, 'a needle')]));
  const found = await store.search('needle');
  const hit = found.find(({ id }) => id === 'c')?.hit;
  expect(hit).toMatchObject({ turn: 'u', match: 'needle', before: expect.stringMatching(/^….*dog\. a $/) as string });
  expect(found.find(({ id }) => id === 't')?.hit).toBeNull();
  expect(await store.hit({ id: 'c', turn: 'u', query: ' needle' })).toMatchObject({
    turn: 'u',
    match: 'Needle',
    before: expect.stringMatching(/dog\. A $/) as string,
    after: expect.stringMatching(/^ in the hay\. The quick.*…$/) as string,
  });
  expect(await store.hit({ id: 'c', turn: 'missing', query: 'needle' })).toBeNull();
});

test('what is around a hit has whole characters', () => {
  const hit = exactHit('u', `${'🙂'.repeat(50)}x${'🙂'.repeat(50)}`, 'x');
  expect(`${hit?.before}${hit?.after}`).not.toMatch(/[\ud800-\udfff]/u);
  expect(exactHit('u', 'İstanbul and x', 'X')?.match).toBe('x');
  expect(exactHit('u', 'nothing', 'x')).toBeNull();
});

test('pins and folders are listed, and survive a restart and compaction', async () => {
  const first = await openStore();
  await first.store.settled();
  await first.store.write(write('c', 0, [title('One'), userTurn('u', null)]));
  await first.store.write(write('c', 2, [at({ type: 'facts', facts: { pinned: true, folder: 'Work' } })]));
  expect(await first.store.list()).toMatchObject([{ id: 'c', title: 'One', pinned: true, folder: 'Work' }]);
  expect(first.events.filter(({ type }) => type === 'chats')).toHaveLength(2);
  for (let base = 3; base < 140; base++) await first.store.write(write('c', base, [title(`Title ${base}`)]));
  await first.store.get('c');
  await first.close();
  const second = await openStore(first.folder);
  expect(await second.store.get('c')).toMatchObject({ pinned: true, folder: 'Work', title: 'Title 139' });
  expect(await second.store.list()).toMatchObject([{ pinned: true, folder: 'Work' }]);
});
