/** Life cycle of the app in Electron: set up, open the window, exit cleanly. */
import { app, dialog, MessageChannelMain, nativeTheme, session, shell, utilityProcess } from 'electron';
import type { BrowserWindow, MessageBoxOptions, MessagePortMain } from 'electron';
import { accessSync, constants, existsSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { IPC } from '../protocol/app/app-bridge.ts';
import type { Settings } from '../protocol/app/app-services.ts';
import { MEASUREMENTS_ARGUMENT, MODELS_DIR_ARGUMENT, PREFIXES_ARGUMENT } from '../protocol/app/utility-messages.ts';
import { collectGarbage } from '../hosts/node/collect-garbage.ts';
import { LocalAppServices } from '../services/app-services.ts';
import { dataFolder, measurementsPath, prefixCacheFolder } from '../services/data-folder.ts';
import { codeOf } from '../services/json-file.ts';
import { storedTheme } from '../services/settings-store.ts';
import { installationOf } from '../services/updates/installation.ts';
import { endTrial, uncountStart } from '../services/updates/trial.ts';
import { readUpdateConfiguration, UPDATES_VARIABLE } from '../services/updates/update-source.ts';
import { APP_ID } from './app-id.ts';
import { APP_PAGE, registerAppScheme, serveAppScheme } from './app-protocol.ts';
import { chooseFolder, chooseModel, chooseTarget } from './choose-model.ts';
import { skipMissingGpu, skipNetworkProcess, withoutGtkGl } from './chromium-parts.ts';
import { reloadAfterCrash } from './crash-guard.ts';
import { Ending } from './ending.ts';
import { GpuWindow } from './gpu-window.ts';
import { registerIpc } from './ipc.ts';
import { keepRequests, keptRequests } from './kept-requests.ts';
import { requestIn, requestsIn, type OpenRequest } from './open-requests.ts';
import { followMenu, onDesktopMessage, showContextMenus } from './desktop.ts';
import { noticeFor } from './page-events.ts';
import { relaunch } from './relaunch.ts';
import { restrictChromium, restrictContents, restrictSession } from './security.ts';
import { createSessionFolder, requireLockable } from './session-folder.ts';
import { EngineSupervisor } from './supervisor.ts';
import { applyTheme, createWindow, doWindowVerb, focusWindow, paintBackground } from './window.ts';
import { readWindows, writeWindows } from './window-state.ts';
import { Windows, type NewWindow } from './windows.ts';

// Set by the development command only, and ignored by a packaged app.
const devServer = app.isPackaged ? null : (process.env.ELECTRON_RENDERER_URL ?? null);
const folder = dataFolder();
const modelsDir = join(app.getAppPath(), 'resources', 'models');
const rendererDir = join(import.meta.dirname, '..', 'renderer');

/** By then, the page has what it asks for when it starts. V8 leaves what that cost, 6 MiB, in an app that does nothing. */
const START_GARBAGE_AFTER_MS = 5000;

/** Of the stored settings, until they change. */
let theme: Settings['theme'] = 'system';
/** Resolves when everything is set up and the first window is open. */
let started: Promise<void> = Promise.resolve();

const windows = new Windows({
  create: openWindow,
  pageUrl: APP_PAGE,
  read: () => readWindows(folder),
  write: (saved) => writeWindows(folder, saved),
  onClosed: (pageId) => supervisor.removePage(pageId),
  // The window in front works without those behind it.
  onFailure: (error) => process.stderr.write(`tokenscope: a window was not restored: ${String(error)}\n`),
});

const gpuWindow = new GpuWindow({
  preload: join(import.meta.dirname, '..', 'preload', 'gpu-preload.cjs'),
  prepare(own) {
    restrictSession(own, services.networkLog, devServer);
    serveAppScheme({ rendererDir, devServer, own: own.protocol });
  },
});

const supervisor = new EngineSupervisor<MessagePortMain>({
  fork: () => {
    const script = join(import.meta.dirname, 'utility.js');
    const options = [
      `${MODELS_DIR_ARGUMENT}${modelsDir}`,
      `${MEASUREMENTS_ARGUMENT}${measurementsPath(folder)}`,
      `${PREFIXES_ARGUMENT}${prefixCacheFolder(folder)}`,
    ];
    return utilityProcess.fork(script, options, { serviceName: 'Tokenscope engine' });
  },
  createChannel: () => new MessageChannelMain(),
  deliver: (port, pageId) => windows.withPage(pageId)?.webContents.postMessage(IPC.enginePort, null, [port]),
  emit: (event) => services.emit(event),
  locate: (modelId): string | null => services.pathOfModel(modelId),
  gpu: gpuWindow,
  forceKill,
});

const services = new LocalAppServices({
  host: 'electron',
  dataFolder: folder,
  modelsDir,
  updates: readUpdateConfiguration(
    join(app.getAppPath(), 'resources', 'updates.json'),
    installationOf({
      ...{ platform: process.platform, isPackaged: app.isPackaged, execPath: process.execPath },
      ...{ env: process.env, exists: existsSync, isWritable },
    }),
    app.isPackaged ? undefined : process.env[UPDATES_VARIABLE],
  ),
  openExternal: (url) => shell.openExternal(url),
  restartEngine: () => supervisor.restart(),
  chooseModel: () => chooseModel(windows.front),
  chooseFolder: () => chooseFolder(windows.front),
  chooseTarget: (name) => chooseTarget(windows.front, name),
  showInFolder: (path) => shell.showItemInFolder(path),
  onSettings(settings) {
    theme = settings.theme;
    applyTheme(windows.all, theme);
  },
});

const ending = new Ending<BrowserWindow>({
  async stop(restarts) {
    await Promise.allSettled([supervisor.stop(), services.stop(), windows.saved()]);
    // Last, because the installer for Windows ends what still runs.
    return await services.installUpdate(restarts);
  },
  quit: () => app.quit(),
  exit: (code) => app.exit(code),
  relaunch,
  keep: (requests) => keepRequests(folder, requests),
  askToDiscard,
});

setUp();

/** Set-up that must precede the app's ready event. */
function setUp(): void {
  let sessionFolder: string;
  try {
    sessionFolder = createSessionFolder(folder);
  } catch (error) {
    return failWithoutFolder(error);
  }
  app.setPath('userData', folder);
  // Keeps Chromium's files separate from chats and settings.
  app.setPath('sessionData', sessionFolder);
  app.setPath('crashDumps', join(sessionFolder, 'crashes'));
  // As the installer names its shortcut. Otherwise Windows shows no notifications.
  if (process.platform === 'win32') app.setAppUserModelId(APP_ID);
  if (!app.requestSingleInstanceLock()) {
    try {
      // Also refused if the lock cannot be created.
      requireLockable(folder);
    } catch (error) {
      return failWithoutFolder(error);
    }
    uncountStart(folder, app.getVersion());
    process.stdout.write('Tokenscope is already running. Bringing its window to the front.\n');
    app.exit(0);
    return;
  }
  registerAppScheme();
  restrictChromium(devServer);
  app.on('web-contents-created', (_event, contents) => {
    restrictContents(contents);
    showContextMenus(contents);
  });
  app.on('second-instance', (_event, argv, workingFolder) => {
    openOrRelaunch(requestsIn(ownArguments(argv), workingFolder));
  });
  // macOS sends events instead of arguments.
  for (const event of ['open-file', 'open-url'] as const) {
    app.on(event as 'open-url', (sent, item) => {
      sent.preventDefault();
      openOrRelaunch([requestIn(item, process.cwd())].filter((request) => request !== null));
    });
  }
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('before-quit', () => windows.beginQuit());
  app.on('will-quit', (event) => ending.onWillQuit(event));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.onSignal());
  skipMissingGpu();
  skipNetworkProcess();
  const restoreGtkGl = withoutGtkGl();
  started = app.whenReady().then(async () => {
    restoreGtkGl();
    await run();
  });
  started.catch(failToStart);
  const requests = [...keptRequests(folder), ...requestsIn(ownArguments(process.argv), process.cwd())];
  if (requests.length > 0) open(requests);
}

/** Without the program, and the app's folder in development. */
function ownArguments(argv: readonly string[]): readonly string[] {
  return argv.slice(process.defaultApp ? 2 : 1);
}

/** Here, or by the next process if this one is quitting. */
function openOrRelaunch(requests: readonly OpenRequest[]): void {
  if (ending.onSecondStart(requests)) open(requests);
}

/** Brings the window to the front and shows what the system wants opened. */
function open(requests: readonly OpenRequest[]): void {
  const show = async (): Promise<void> => {
    await windows.show();
    for (const request of requests) await services.open(request);
  };
  // A failed start is reported where it happens.
  void started.then(
    () => show().catch(failToOpen),
    () => undefined,
  );
}

async function run(): Promise<void> {
  restrictSession(session.defaultSession, services.networkLog, devServer);
  theme = await storedTheme(folder);
  // The window needs no more, and its page's process takes a while to start.
  const starting = services.start();
  // A failed start ends the app.
  const ready = starting.catch(() => undefined);
  serveAppScheme({ rendererDir, devServer, ready });
  registerIpc({
    services,
    ready,
    onPortRequest(page) {
      supervisor.requestPort(page.id);
      // The page runs, so this version has started. What is left of the old one is only disk space.
      try {
        endTrial(folder, app.getVersion());
      } catch (error) {
        process.stderr.write(`tokenscope: the old version could not be deleted: ${String(error)}\n`);
      }
    },
    onWindowVerb(page, verb) {
      const window = windows.of(page);
      if (window !== null) doWindowVerb(window, verb);
    },
    onDesktop(page, message) {
      const window = windows.of(page);
      if (window !== null) onDesktopMessage(window, message);
    },
    isWindow: (page) => windows.of(page) !== null,
    isFront: (page) => windows.front?.webContents === page,
  });
  supervisor.start();
  nativeTheme.on('updated', () => paintBackground(windows.all, theme));
  followMenu({ windows, services, ready, isDevelopment: !app.isPackaged, onFailure: failToOpen });
  app.on('activate', () => void windows.show().catch(failToOpen));
  await Promise.all([starting, windows.show()]);
  setTimeout(collectGarbage, START_GARBAGE_AFTER_MS).unref();
}

function openWindow(options: NewWindow): BrowserWindow {
  const preload = join(import.meta.dirname, '..', 'preload', 'preload.cjs');
  const opened = createWindow({ preload, theme, ...options });
  opened.webContents.on('will-prevent-unload', (event) => {
    const isLast = windows.quitting || windows.all.length === 1;
    ending.onPreventUnload(event, opened, isLast ? null : () => opened.destroy());
  });
  // A closed window has none.
  const { webContents } = opened;
  reloadAfterCrash(opened, {
    notice: (message) => noticeFor(webContents, message),
    askToReload,
    quit: () => app.quit(),
    isQuitting: () => windows.quitting,
  });
  return opened;
}

async function askToReload(): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    type: 'error',
    message: 'Tokenscope’s page keeps crashing.',
    detail: 'Saved chats are safe. Reload to try again, or quit.',
    buttons: ['Reload', 'Quit'],
    defaultId: 0,
    cancelId: 1,
  });
  return response === 0;
}

/** Asks in the window with the unsaved changes. Not with the synchronous dialog, which would block signals. */
async function askToDiscard(what: 'quit' | 'close', window: BrowserWindow): Promise<boolean> {
  const options: MessageBoxOptions = {
    type: 'warning',
    message: 'Some chats or notebooks are not saved.',
    detail: `If you ${what} now, unsaved changes are lost.`,
    buttons: [what === 'quit' ? 'Quit anyway' : 'Close anyway', 'Cancel'],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  };
  focusWindow(window);
  const { response } = await dialog.showMessageBox(window, options);
  const discards = response === 0;
  // From then on, a closed window is not restored.
  if (!discards) windows.cancelQuit();
  return discards;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function forceKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It exited by itself at this moment.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

/** No version could start with this data folder, so this one is not to blame. */
function failWithoutFolder(error: unknown): void {
  uncountStart(folder, app.getVersion());
  // Chromium needs one for the message. Its default one may belong to a running app.
  const temporary = mkdtempSync(join(app.getPath('temp'), 'tokenscope-'));
  for (const name of ['userData', 'sessionData'] as const) app.setPath(name, temporary);
  void app.whenReady().then(() => failToStart(error));
}

function failToStart(error: unknown): void {
  // At a shutdown, the system has ended what the start needs, and nobody would close the message.
  if (windows.quitting) return;
  showFailure('Tokenscope could not start', error);
  app.exit(1);
}

/** The other windows, which may have unsaved changes, stay open. */
function failToOpen(error: unknown): void {
  showFailure('Tokenscope could not open a window', error);
}

function showFailure(what: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`tokenscope: ${message}\n`);
  dialog.showErrorBox(what, message);
}
