import { afterEach, expect, it, vi } from 'vitest';
import { AreaMenu, type MenuPlace } from './area-menu.ts';

afterEach(() => void vi.unstubAllGlobals());

/** An element with the events of one, which has what `closest` finds. */
class Area extends EventTarget {
  readonly closest: () => object | null;
  constructor(found: object | null) {
    super();
    this.closest = () => found;
  }
  getBoundingClientRect = () => ({ left: 100, right: 300, top: -400, bottom: 200 });
}

/** @param found what of the page's own menus is under the pointer */
function setUp({ found = null as object | null, serves = true } = {}) {
  vi.stubGlobal('window', { innerWidth: 800, innerHeight: 600 });
  const selection = { isIn: vi.fn((): boolean => false), clear: vi.fn() };
  const menu = new AreaMenu(selection);
  const opened: MenuPlace[] = [];
  const end = serves ? menu.serve((place) => opened.push(place)) : null;
  const area = new Area(found);
  const detach = menu.area(area as unknown as HTMLElement);
  /** @returns whether the native menu comes */
  const send = (type: string, fields: object) =>
    area.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), fields));
  const press = (fields: object = { button: 2 }) => send('pointerdown', { pointerType: 'mouse', ...fields });
  const ask = (fields: object = {}) => send('contextmenu', { clientX: 7, clientY: 9, pointerType: 'mouse', ...fields });
  return { selection, opened, end, detach, send, press, ask };
}

it('opens at the pointer, in place of the native menu', () => {
  const { opened, press, ask } = setUp();
  press();
  expect(ask()).toBe(false);
  press({ button: 0, ctrlKey: true });
  expect(ask()).toBe(false);
  expect(opened).toEqual(Array(2).fill({ x: 7, y: 9, byKey: false }));
});

it('opens by the menu key, and by Shift F10 in the middle of what is visible', () => {
  const { opened, press, ask, send } = setUp();
  press({ button: 0 });
  expect(ask()).toBe(false);
  expect(send('keydown', { key: 'F10', shiftKey: true })).toBe(false);
  expect(send('keydown', { key: 'F10', shiftKey: false })).toBe(true);
  expect(send('keydown', { key: 'F10', shiftKey: true, ctrlKey: true })).toBe(true);
  expect(opened).toEqual([
    { x: 7, y: 9, byKey: true },
    { x: 200, y: 100, byKey: true },
  ]);
});

it('leaves text fields, links, touch, and areas whose menu is not there, to the native menu', () => {
  const inField = setUp({ found: {} });
  inField.press();
  expect(inField.ask()).toBe(true);
  expect(inField.send('keydown', { key: 'F10', shiftKey: true })).toBe(true);
  const byTouch = setUp();
  byTouch.press({ button: 0, pointerType: 'touch' });
  expect(byTouch.ask({ pointerType: 'touch' })).toBe(true);
  const without = setUp({ serves: false });
  without.press();
  expect(without.ask()).toBe(true);
  const ended = setUp();
  ended.end?.();
  expect(ended.ask()).toBe(true);
  const detached = setUp();
  detached.detach();
  expect(detached.ask()).toBe(true);
  for (const { opened } of [inField, byTouch, without, ended, detached]) expect(opened).toEqual([]);
});

it('leaves selected text to the native menu', () => {
  const { selection, opened, press, ask, send } = setUp();
  selection.isIn.mockReturnValue(true);
  press();
  expect(ask()).toBe(true);
  expect(ask()).toBe(true);
  expect(send('keydown', { key: 'F10', shiftKey: true })).toBe(true);
  expect(opened).toEqual([]);
  expect(selection.clear).not.toHaveBeenCalled();
  // A press beside it ends the selection.
  press();
  selection.isIn.mockReturnValue(false);
  expect(ask()).toBe(false);
  expect(opened).toHaveLength(1);
});

it('opens where only the right click has selected a word, as on macOS', () => {
  const { selection, opened, press, ask } = setUp();
  press();
  selection.isIn.mockReturnValue(true);
  expect(ask()).toBe(false);
  expect(opened).toHaveLength(1);
  expect(selection.clear).toHaveBeenCalledOnce();
});

it('is served by the last menu, whichever ends first', () => {
  const menu = new AreaMenu({ isIn: () => false, clear: () => {} });
  const area = new Area(null);
  menu.area(area as unknown as HTMLElement);
  const [first, second] = [vi.fn(), vi.fn()];
  const end = menu.serve(first);
  menu.serve(second);
  end();
  area.dispatchEvent(new Event('contextmenu', { cancelable: true }));
  expect(first).not.toHaveBeenCalled();
  expect(second).toHaveBeenCalledOnce();
});
