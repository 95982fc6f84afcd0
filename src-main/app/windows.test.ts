import { EventEmitter } from 'node:events';
import type { BrowserWindow } from 'electron';
import { expect, test, vi } from 'vitest';
import type { SavedWindows } from './window-state.ts';
import { Windows, type NewWindow } from './windows.ts';

// Outside of Electron its module is empty; nothing tested here needs it.
vi.mock('electron', () => ({ BrowserWindow: {}, nativeTheme: {}, screen: {} }));

const PAGE = 'app://tokenscope/index.html';

/** The used part of a window. */
class FakeWindow extends EventEmitter {
  static created = 0;
  url = '';
  readonly webContents = Object.assign(new EventEmitter(), {
    id: ++FakeWindow.created,
    getURL: () => this.url,
    getZoomLevel: () => this.options.zoomLevel,
  });

  constructor(readonly options: NewWindow) {
    super();
  }

  getNormalBounds = () => this.options.place?.bounds ?? { x: 0, y: 0, width: 900, height: 700 };
  isMaximized = () => this.options.place?.maximized ?? false;
  isMinimized = () => false;
  destroyed = false;
  isDestroyed = () => this.destroyed;
  destroy() {
    this.destroyed = true;
    this.emit('closed');
  }
  show = () => undefined;
  focus = () => this.emit('focus');
  async loadURL(url: string) {
    this.url = url;
  }
  /** What happens when it is to close: until its page has committed, a close is lost. */
  page: 'committed' | 'loading' | 'unsaved' = 'committed';
  /** As a person does. */
  close() {
    this.emit('close');
    if (this.page === 'committed') this.emit('closed');
    else if (this.page === 'unsaved') this.webContents.emit('will-prevent-unload');
  }
  commit() {
    this.page = 'committed';
    this.webContents.emit('did-navigate');
  }
  showChat(hash: string) {
    this.url = `${PAGE}${hash}`;
    this.webContents.emit('did-navigate-in-page');
  }
}

function setUp(saved: SavedWindows | null = null) {
  const opened: FakeWindow[] = [];
  const disk = { saved };
  const windows = new Windows({
    pageUrl: PAGE,
    create: (options) => {
      const window = new FakeWindow(options);
      opened.push(window);
      return window as unknown as BrowserWindow;
    },
    read: async () => disk.saved,
    write: async (value) => void (disk.saved = value),
    onClosed: () => undefined,
    onFailure: (error) => {
      throw error;
    },
  });
  return { windows, opened, disk };
}

const place = (x: number, hash: string) => ({
  ...{ bounds: { x, y: 0, width: 900, height: 700 }, maximized: false },
  hash,
});

test('windows come back in their order, the one in front first', async () => {
  const saved = { windows: [place(1, '#chat=a'), place(2, '#chat=b'), place(3, '#chat=')], zoomLevel: 0.5 };
  const { windows, opened, disk } = setUp(saved);
  await windows.show();
  expect(opened[0]?.options).toMatchObject({ place: { bounds: { x: 3 } }, zoomLevel: 0.5, inactive: false });
  await vi.waitFor(() =>
    expect(opened.map(({ url }) => url)).toEqual(['#chat=', '#chat=b', '#chat=a'].map((hash) => `${PAGE}${hash}`)),
  );
  expect(opened.map(({ options }) => options.inactive)).toEqual([false, true, true]);
  expect(windows.front).toBe(opened[0]);

  opened[0]?.showChat('#chat=c');
  windows.beginQuit();
  for (const window of opened) window.close();
  await windows.saved();
  expect(disk.saved?.windows.map(({ hash }) => hash)).toEqual(['#chat=a', '#chat=b', '#chat=c']);
});

test('a closed window does not come back, except the last one', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const { windows, opened, disk } = setUp();
    await windows.show();
    await windows.openNew();
    expect(opened[1]?.url).toBe(`${PAGE}#chat=`);
    // It does not cover the first.
    expect(opened[1]?.options.place?.bounds).toMatchObject({ x: 32, y: 32 });
    opened[0]?.close();
    await vi.advanceTimersByTimeAsync(500);
    expect(disk.saved?.windows.map(({ hash }) => hash)).toEqual(['#chat=']);
    opened[1]?.showChat('#chat=b');
    opened[1]?.close();
    windows.beginQuit();
    await windows.saved();
    expect(disk.saved?.windows.map(({ hash }) => hash)).toEqual(['#chat=b']);
  } finally {
    vi.useRealTimers();
  }
});

test('windows that are not open again yet come back at the next start', async () => {
  const saved = { windows: [place(1, '#chat=a'), place(2, '#chat=b'), place(3, '#chat=c')], zoomLevel: 0 };
  const { windows, opened, disk } = setUp(saved);
  await windows.show();
  opened[0]?.showChat('#chat=d');
  windows.beginQuit();
  await windows.saved();
  expect(disk.saved?.windows.map(({ hash }) => hash)).toEqual(['#chat=a', '#chat=b', '#chat=d']);
});

test('a single window shows the last chat', async () => {
  const { windows, opened } = setUp({ windows: [place(1, '#chat=a')], zoomLevel: 0 });
  await windows.show();
  expect(opened.map(({ url }) => url)).toEqual([PAGE]);
});

test('a window that was closed before its page committed is closed then', async () => {
  const { windows, opened } = setUp();
  await windows.show();
  await windows.openNew();
  const [first, second] = opened;
  for (const window of opened) window.page = 'loading';
  second?.close();
  expect(windows.all).toHaveLength(2);
  second?.commit();
  expect(windows.all).toEqual([first]);
  windows.beginQuit();
  first?.close();
  first?.commit();
  expect(windows.all).toEqual([]);
});

test('a window that is created while the app quits closes', async () => {
  const { windows, opened } = setUp();
  await windows.show();
  windows.beginQuit();
  await windows.openNew();
  for (const window of opened) window.commit();
  expect(windows.all).toEqual([]);
});

test('a window whose page prevented that it closes stays open when its page is loaded again', async () => {
  const { windows, opened } = setUp();
  await windows.show();
  const window = opened[0]!;
  for (const quits of [false, true]) {
    if (quits) windows.beginQuit();
    window.page = 'unsaved';
    window.close();
    // The answer was Cancel.
    if (quits) windows.cancelQuit();
    window.commit();
    expect(windows.all).toEqual([window]);
  }
});

test('a window that is closed while its page is loading is no failure', async () => {
  const { windows, opened } = setUp();
  await windows.show();
  const load = vi.spyOn(FakeWindow.prototype, 'loadURL');
  // The page ends, and with it the load, before the window does.
  const end = async (work: () => void) => {
    load.mockImplementationOnce(async () => {
      work();
      throw new Error('ERR_FAILED (-2)');
    });
    await windows.openNew();
    expect(windows.all).toEqual([opened[0]]);
  };
  await end(() => {
    const window = opened.at(-1)!;
    window.page = 'loading';
    window.close();
  });
  await end(() => windows.beginQuit());
  load.mockRestore();
});

test('a further window whose page cannot be loaded is closed', async () => {
  const { windows, opened } = setUp();
  await windows.show();
  const load = vi.spyOn(FakeWindow.prototype, 'loadURL');
  load.mockRejectedValueOnce(new Error('There is no page.'));
  await expect(windows.openNew()).rejects.toThrow('There is no page.');
  expect(opened.map((window) => window.destroyed)).toEqual([false, true]);
  expect(windows.all).toEqual([opened[0]]);
  // A reload stops the first load, and the page is there.
  load.mockRejectedValueOnce(Object.assign(new Error('ERR_ABORTED (-3)'), { code: 'ERR_ABORTED' }));
  await expect(windows.openNew()).rejects.toThrow('ERR_ABORTED');
  expect(opened.map((window) => window.destroyed)).toEqual([false, true, false]);
  load.mockRestore();
});
