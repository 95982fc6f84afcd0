/** The app's menu, as a template, and a text field's context menu. Independent of Electron's run time, so that they can be tested. */
import type { ContextMenuParams, MenuItemConstructorOptions } from 'electron';
import type { ModelListing } from '../protocol/app/app-services.ts';
import type { MenuCommand } from '../protocol/app/desktop.ts';
import { shortened } from '../protocol/cut-text.ts';

export interface MenuParts {
  platform: NodeJS.Platform;
  /** Adds reloading and the developer tools. */
  isDevelopment: boolean;
  recent: readonly Pick<ModelListing, 'id' | 'name'>[];
  /** Null where a package has installed the tool. */
  installTool: (() => void) | null;
  /** Runs a command in the window in front. */
  run(command: MenuCommand): void;
  newWindow(): void;
  zoom(steps: -1 | 0 | 1): void;
  /** Maximises the window in front, or restores its size. */
  maximize(): void;
}

/** Longest list of recent models. */
const MAX_RECENT = 10;
type PlainCommand = Exclude<MenuCommand['name'], 'load-model'>;
type Item = MenuItemConstructorOptions;

/** The models that were loaded last, newest first. */
export function recentModels(listings: readonly ModelListing[]): ModelListing[] {
  return listings
    .filter(({ lastUsedAt, problem }) => lastUsedAt !== null && problem === null)
    .sort((a, b) => (b.lastUsedAt ?? '').localeCompare(a.lastUsedAt ?? ''))
    .slice(0, MAX_RECENT);
}

export function menuTemplate(parts: MenuParts): Item[] {
  const isMac = parts.platform === 'darwin';
  return [
    ...(isMac ? [appMenu(parts)] : []),
    fileMenu(parts, isMac),
    editMenu(parts),
    viewMenu(parts, isMac),
    windowMenu(parts, isMac),
    helpMenu(parts, isMac),
  ];
}

function appMenu({ run }: MenuParts): Item {
  return {
    label: 'Tokenscope',
    submenu: [
      command(run, 'about', 'About Tokenscope'),
      separator(),
      command(run, 'settings', 'Settings…', 'Command+,'),
      separator(),
      { role: 'services' },
      separator(),
      { role: 'hide', label: 'Hide Tokenscope' },
      { role: 'hideOthers', label: 'Hide others' },
      { role: 'unhide', label: 'Show all' },
      separator(),
      { role: 'quit', label: 'Quit Tokenscope' },
    ],
  };
}

function fileMenu({ run, newWindow, recent }: MenuParts, isMac: boolean): Item {
  const models = recent.map(({ id, name }): Item => {
    // A single & would underline the next letter.
    const label = name.replaceAll('&', '&&');
    return { id: `recent-${id}`, label, click: () => run({ name: 'load-model', modelId: id }) };
  });
  return {
    label: '&File',
    submenu: [
      command(run, 'new-chat', 'New chat', 'CommandOrControl+N'),
      { id: 'new-window', label: 'New window', accelerator: 'CommandOrControl+Shift+N', click: newWindow },
      separator(),
      command(run, 'open-model', 'Open model…', 'CommandOrControl+O'),
      {
        id: 'recent-models',
        label: 'Recent models',
        submenu: models.length > 0 ? models : [{ label: 'No recent models', enabled: false }],
      },
      separator(),
      ...(isMac ? [] : [command(run, 'settings', 'Settings…', 'Control+,'), separator()]),
      { role: 'close', label: 'Close window' },
      ...(isMac ? [] : [{ role: 'quit', label: 'Quit', accelerator: 'Control+Q' } as const]),
    ],
  };
}

function editMenu({ platform, run }: MenuParts): Item {
  return {
    label: '&Edit',
    submenu: [
      // Not Electron's roles: those undo what Chromium knows, which is not what was generated in a notebook.
      command(run, 'undo', 'Undo', 'CommandOrControl+Z'),
      command(run, 'redo', 'Redo', platform === 'win32' ? 'Control+Y' : 'Shift+CommandOrControl+Z'),
      separator(),
      { role: 'cut', label: 'Cut' },
      { role: 'copy', label: 'Copy' },
      { role: 'paste', label: 'Paste' },
      { role: 'delete', label: 'Delete' },
      separator(),
      { role: 'selectAll', label: 'Select all' },
    ],
  };
}

function viewMenu({ run, zoom, isDevelopment }: MenuParts, isMac: boolean): Item {
  return {
    label: '&View',
    submenu: [
      command(run, 'view-chat', 'Chat', 'CommandOrControl+1'),
      command(run, 'view-compare', 'Compare', 'CommandOrControl+2'),
      command(run, 'view-models', 'Models', 'CommandOrControl+3'),
      command(run, 'view-tokenizer', 'Tokenizer', 'CommandOrControl+4'),
      command(run, 'view-inside', 'Inside', 'CommandOrControl+5'),
      separator(),
      {
        ...command(run, 'toggle-tokens', 'Show or hide tokens', isMac ? undefined : 'T'),
        // The page has the key, which also types a letter. On macOS, any key in a menu is the menu's.
        ...(isMac ? {} : { registerAccelerator: false }),
      },
      separator(),
      { id: 'zoom-in', label: 'Zoom in', accelerator: 'CommandOrControl+Plus', click: () => zoom(1) },
      // The same key without Shift.
      { label: 'Zoom in', accelerator: 'CommandOrControl+=', visible: false, click: () => zoom(1) },
      { id: 'zoom-out', label: 'Zoom out', accelerator: 'CommandOrControl+-', click: () => zoom(-1) },
      { id: 'zoom-reset', label: 'Actual size', accelerator: 'CommandOrControl+0', click: () => zoom(0) },
      separator(),
      { role: 'togglefullscreen', label: 'Full screen' },
      ...(isDevelopment ? ([separator(), { role: 'reload' }, { role: 'toggleDevTools' }] as const) : []),
    ],
  };
}

function windowMenu({ maximize }: MenuParts, isMac: boolean): Item {
  const front: Item[] = isMac ? [separator(), { role: 'front', label: 'Bring all to front' }] : [];
  return {
    label: '&Window',
    ...(isMac ? { role: 'window' } : {}),
    submenu: [
      { role: 'minimize', label: 'Minimise' },
      // The role only works on macOS.
      isMac ? { role: 'zoom', label: 'Zoom' } : { id: 'maximize', label: 'Maximise', click: maximize },
      ...front,
    ],
  };
}

function helpMenu({ run, installTool }: MenuParts, isMac: boolean): Item {
  const items: Item[] = [];
  if (installTool !== null) {
    items.push({ id: 'install-tool', label: 'Install command line tool…', click: installTool });
  }
  items.push(command(run, 'updates', 'Check for updates…'));
  if (!isMac) items.push(separator(), command(run, 'about', 'About Tokenscope'));
  return { label: '&Help', ...(isMac ? { role: 'help' } : {}), submenu: items };
}

function command(run: MenuParts['run'], name: PlainCommand, label: string, accelerator?: string): Item {
  return { id: name, label, ...(accelerator === undefined ? {} : { accelerator }), click: () => run({ name }) };
}

function separator(): Item {
  return { type: 'separator' };
}

/** The used part of Electron's parameters. */
export type ContextTarget = Pick<ContextMenuParams, 'isEditable' | 'selectionText'> & {
  editFlags: Pick<ContextMenuParams['editFlags'], 'canCut' | 'canCopy' | 'canPaste' | 'canSelectAll'>;
};

/** @returns empty if nothing can be done there */
export function contextMenuTemplate(target: ContextTarget, platform: NodeJS.Platform, lookUp: () => void): Item[] {
  const { isEditable, selectionText, editFlags } = target;
  const selected = selectionText.trim();
  if (!isEditable && selected === '') return [];
  const look: Item[] =
    platform === 'darwin' && selected !== ''
      ? [{ label: `Look up “${firstLine(selected)}”`, click: lookUp }, separator()]
      : [];
  const edit: Item[] = isEditable
    ? [
        { role: 'cut', label: 'Cut', enabled: editFlags.canCut },
        { role: 'copy', label: 'Copy', enabled: editFlags.canCopy },
        { role: 'paste', label: 'Paste', enabled: editFlags.canPaste },
      ]
    : [{ role: 'copy', label: 'Copy', enabled: editFlags.canCopy }];
  return [...look, ...edit, separator(), { role: 'selectAll', label: 'Select all', enabled: editFlags.canSelectAll }];
}

/** Characters of the selected text in the menu, with the ellipsis. */
const MAX_LOOK_UP = 31;

function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  return shortened(line, MAX_LOOK_UP);
}
