import { describe, expect, it } from 'vitest';
import { rankItems, type PaletteGroup, type PaletteItem } from './palette-items.ts';

const item = (group: PaletteGroup, title: string, words?: string): PaletteItem => ({
  id: `${group} ${title}`,
  group,
  title,
  ...(words === undefined ? {} : { words }),
  run: () => undefined,
});
const ITEMS = [
  item('Commands', 'New chat'),
  item('Commands', 'Go to Compare', 'lanes side by side'),
  item('Commands', 'Theme: Dark'),
  item('Chats', 'Names for a cat'),
  item('Chats', 'Dark matter'),
  item('Models', 'SmolLM2 135M Instruct'),
];
const titles = (query: string, items = ITEMS) =>
  rankItems(items, query).map(({ group, items: found }) => [group, ...found.map(({ title }) => title)]);

describe('rankItems', () => {
  it('shows all groups in their order without a query', () => {
    expect(titles(' ').map(([group]) => group)).toEqual(['Commands', 'Chats', 'Models']);
    const many = Array.from({ length: 50 }, (_, at) => item('Chats', `Chat ${at}`));
    expect(titles('', many)[0]).toHaveLength(7);
  });
  it('matches letters in their order, the beginnings of words best', () => {
    expect(titles('smi')[0]).toEqual(['Models', 'SmolLM2 135M Instruct']);
    expect(titles('nch')[0]).toEqual(['Commands', 'New chat']);
    expect(titles('xq')).toEqual([]);
  });
  it('puts the group with the best match first', () => {
    expect(titles('dark matter')[0]).toEqual(['Chats', 'Dark matter']);
    expect(titles('dark').map(([group]) => group)).toEqual(['Chats', 'Commands']);
  });
  it('finds a command by words that its title lacks', () => {
    expect(titles('lanes')[0]).toEqual(['Commands', 'Go to Compare']);
  });
  it('keeps what the search found in messages', () => {
    const found = { ...item('Messages', 'Sorting a list'), hit: { before: '', match: 'pixel', after: '' } };
    expect(titles('pixel', [...ITEMS, found])).toEqual([['Messages', 'Sorting a list']]);
  });
});
