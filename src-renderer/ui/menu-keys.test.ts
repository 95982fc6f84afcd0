import { afterEach, expect, it, vi } from 'vitest';
import { takeEarlyKeys } from './menu-keys.ts';

afterEach(() => void vi.unstubAllGlobals());

/** An element with the events of one. */
class Part extends EventTarget {
  inMenu = false;
  readonly closest = () => (this.inMenu ? {} : null);
  readonly focus = vi.fn();
}

class Key extends Event {
  readonly key: string;
  readonly repeat: boolean;
  constructor(type: string, { key, repeat = false }: { key: string; repeat?: boolean }) {
    super(type, { cancelable: true });
    this.key = key;
    this.repeat = repeat;
  }
}

/** @param handled keys whose default action the menu prevents */
function setUp(handled: readonly string[] = ['Enter', 'ArrowDown'], hasItem = true) {
  // What has the focus, and the document around it.
  const page = new Part();
  vi.stubGlobal('Element', Part);
  vi.stubGlobal('KeyboardEvent', Key);
  vi.stubGlobal('document', page);
  const item = new Part();
  const menu = Object.assign(new Part(), { querySelector: () => (hasItem ? item : null) });
  const end = takeEarlyKeys(menu as unknown as HTMLElement);
  const record = (part: Part) => {
    const keys: string[] = [];
    part.addEventListener('keydown', (event) => keys.push((event as Key).key));
    return keys;
  };
  const keys = { page: record(page), item: record(item), menu: record(menu) };
  for (const part of [item, menu]) {
    part.addEventListener('keydown', (event) => handled.includes((event as Key).key) && event.preventDefault());
  }
  /** @returns whether the default action follows */
  const press = (key: string, repeat = false) => page.dispatchEvent(new Key('keydown', { key, repeat }));
  return { page, item, menu, keys, end, press };
}

it('gives the first item the keys that come before the focus is in the menu', () => {
  const { item, keys, press } = setUp();
  expect(press('Enter')).toBe(false);
  expect(press('Delete')).toBe(true);
  expect(item.focus).toHaveBeenCalledWith({ preventScroll: true });
  expect(keys).toEqual({ page: [], item: ['Enter', 'Delete'], menu: [] });
});

it('gives them to the menu if no item can be chosen', () => {
  const { menu, keys, press } = setUp(['ArrowDown'], false);
  expect(press('ArrowDown')).toBe(false);
  expect(menu.focus).toHaveBeenCalledOnce();
  expect(keys).toEqual({ page: [], item: [], menu: ['ArrowDown'] });
});

it('chooses nothing while the key that opened the menu is held', () => {
  const { page, item, keys, press } = setUp();
  expect(press('Enter', true)).toBe(false);
  expect(item.focus).not.toHaveBeenCalled();
  // By now, the focus is in the menu.
  page.inMenu = true;
  expect(press('Enter', true)).toBe(false);
  expect(keys).toEqual({ page: [], item: [], menu: [] });
});

it('leaves keys alone that come from within the menu, or after it was closed', () => {
  const { page, item, keys, end, press } = setUp();
  page.inMenu = true;
  expect(press('ArrowDown', true)).toBe(true);
  page.inMenu = false;
  end();
  expect(press('Enter')).toBe(true);
  expect(item.focus).not.toHaveBeenCalled();
  expect(keys).toEqual({ page: ['ArrowDown', 'Enter'], item: [], menu: [] });
});
