import type { MenuItemConstructorOptions } from 'electron';
import { expect, test, vi } from 'vitest';
import type { ModelListing } from '../protocol/app/app-services.ts';
import { contextMenuTemplate, menuTemplate, recentModels, type MenuParts } from './menu.ts';

function parts(change: Partial<MenuParts> = {}): MenuParts {
  return {
    platform: 'linux',
    isDevelopment: false,
    recent: [],
    installTool: null,
    run: vi.fn(),
    newWindow: vi.fn(),
    zoom: vi.fn(),
    maximize: vi.fn(),
    ...change,
  };
}

type Item = MenuItemConstructorOptions;

function itemsOf(menus: readonly Item[]): Item[] {
  return menus.flatMap((menu) => [menu, ...(Array.isArray(menu.submenu) ? itemsOf(menu.submenu) : [])]);
}

function press(menus: readonly Item[], id: string): void {
  const click = itemsOf(menus).find((item) => item.id === id)?.click as (() => void) | undefined;
  if (click === undefined) throw new Error(`The menu has no item ${id}`);
  click();
}

test.each(['linux', 'win32', 'darwin'] as const)('the menus of %s, with different keys for all items', (platform) => {
  const menus = menuTemplate(parts({ platform }));
  const labels = menus.map(({ label }) => label);
  expect(labels.slice(platform === 'darwin' ? 1 : 0)).toEqual(['&File', '&Edit', '&View', '&Window', '&Help']);
  const keys = itemsOf(menus).flatMap(({ accelerator }) => accelerator ?? []);
  expect(new Set(keys).size).toBe(keys.length);
  const ids = itemsOf(menus).flatMap(({ id }) => id ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ['about', 'settings', 'new-chat', 'new-window', 'zoom-reset']) expect(ids).toContain(id);
  // F11 is Electron's key for full screen.
  for (const wanted of ['quit', 'togglefullscreen']) {
    expect(itemsOf(menus).some(({ role }) => role === wanted)).toBe(true);
  }
});

test('shows the key of tokens without taking it from text fields', () => {
  const itemOf = (platform: NodeJS.Platform) =>
    itemsOf(menuTemplate(parts({ platform }))).find(({ id }) => id === 'toggle-tokens');
  for (const platform of ['linux', 'win32'] as const) {
    expect(itemOf(platform)).toMatchObject({ accelerator: 'T', registerAccelerator: false });
  }
  expect(itemOf('darwin')).not.toHaveProperty('accelerator');
});

test('items run their commands', () => {
  const given = parts({ recent: [{ id: 'opened-1', name: 'Q&A 1B' }], installTool: vi.fn() });
  const menus = menuTemplate(given);
  press(menus, 'view-models');
  press(menus, 'recent-opened-1');
  expect(given.run).toHaveBeenNthCalledWith(1, { name: 'view-models' });
  expect(given.run).toHaveBeenNthCalledWith(2, { name: 'load-model', modelId: 'opened-1' });
  press(menus, 'undo');
  press(menus, 'redo');
  expect(given.run).toHaveBeenNthCalledWith(3, { name: 'undo' });
  expect(given.run).toHaveBeenNthCalledWith(4, { name: 'redo' });
  expect(itemsOf(menus).find(({ id }) => id === 'recent-opened-1')?.label).toBe('Q&&A 1B');
  for (const id of ['zoom-in', 'zoom-out', 'zoom-reset']) press(menus, id);
  expect(vi.mocked(given.zoom).mock.calls).toEqual([[1], [-1], [0]]);
  press(menus, 'maximize');
  expect(given.maximize).toHaveBeenCalledTimes(1);
  press(menus, 'install-tool');
  expect(given.installTool).toHaveBeenCalledTimes(1);
});

test('the recent models are those that were loaded last and can be loaded', () => {
  const listing = (id: string, lastUsedAt: string | null, problem: string | null = null) =>
    ({ id, lastUsedAt, problem }) as ModelListing;
  const found = recentModels([
    listing('never', null),
    listing('old', '2026-01-01T00:00:00Z'),
    listing('new', '2026-02-01T00:00:00Z'),
    listing('gone', '2026-03-01T00:00:00Z', 'Its file is gone.'),
    ...Array.from({ length: 12 }, (_, n) => listing(`older-${n}`, '2025-01-01T00:00:00Z')),
  ]);
  expect(found.map(({ id }) => id).slice(0, 2)).toEqual(['new', 'old']);
  expect(found).toHaveLength(10);
});

const flags = { canCut: true, canCopy: true, canPaste: false, canSelectAll: true };
const labelsOf = (items: readonly Item[]) => items.flatMap(({ label }) => label ?? []);

test('a text field has cut, copy, paste; a selection can be copied; elsewhere there is no menu', () => {
  const none = vi.fn();
  const field = contextMenuTemplate({ isEditable: true, selectionText: 'a', editFlags: flags }, 'linux', none);
  expect(labelsOf(field)).toEqual(['Cut', 'Copy', 'Paste', 'Select all']);
  expect(field.find(({ role }) => role === 'paste')?.enabled).toBe(false);
  const text = contextMenuTemplate({ isEditable: false, selectionText: 'word', editFlags: flags }, 'linux', none);
  expect(labelsOf(text)).toEqual(['Copy', 'Select all']);
  expect(contextMenuTemplate({ isEditable: false, selectionText: ' ', editFlags: flags }, 'linux', none)).toEqual([]);
});

test('macOS looks up the selected text', () => {
  const lookUp = vi.fn();
  const selectionText = `${'x'.repeat(40)}\nmore`;
  const [first] = contextMenuTemplate({ isEditable: false, selectionText, editFlags: flags }, 'darwin', lookUp);
  expect(first?.label).toBe(`Look up “${'x'.repeat(30)}…”`);
  const click = first?.click as (() => void) | undefined;
  click?.();
  expect(lookUp).toHaveBeenCalledTimes(1);
});
