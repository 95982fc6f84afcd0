/** Life cycle of the app in Electron: set up, open the window, exit cleanly. */
import { app, dialog, MessageChannelMain, nativeTheme, session, shell, utilityProcess } from 'electron';
import type { BrowserWindow, MessageBoxOptions, MessagePortMain } from 'electron';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { IPC } from '../protocol/app/app-bridge.ts';
import { MEASUREMENTS_ARGUMENT, MODELS_DIR_ARGUMENT, PREFIXES_ARGUMENT } from '../protocol/app/utility-messages.ts';
import { LocalAppServices } from '../services/app-services.ts';
import { dataFolder, measurementsPath, prefixCacheFolder } from '../services/data-folder.ts';
import { codeOf } from '../services/json-file.ts';
import { APP_PAGE, registerAppScheme, serveAppScheme } from './app-protocol.ts';
import { chooseFolder, chooseModel, chooseTarget } from './choose-model.ts';
import { reloadAfterCrash } from './crash-guard.ts';
import { Ending } from './ending.ts';
import { registerIpc } from './ipc.ts';
import { requestIn, requestsIn, type OpenRequest } from './open-requests.ts';
import { restrictChromium, restrictContents, restrictSession } from './security.ts';
import { EngineSupervisor } from './supervisor.ts';
import { applyTheme, createWindow, doWindowVerb, focusWindow, paintBackground, setApplicationMenu } from './window.ts';

// Set by the development command only, and ignored by a packaged app.
const devServer = app.isPackaged ? null : (process.env.ELECTRON_RENDERER_URL ?? null);
const folder = dataFolder();
const modelsDir = join(app.getAppPath(), 'resources', 'models');

let window: BrowserWindow | null = null;
/** Resolves when everything is set up and the first window is open. */
let started: Promise<void> = Promise.resolve();
/** The window being opened, so that no second one is opened meanwhile. */
let opening: Promise<void> | null = null;

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
  deliver: (port) => window?.webContents.postMessage(IPC.enginePort, null, [port]),
  emit: (event) => services.emit(event),
  locate: (modelId): string | null => services.pathOfModel(modelId),
  forceKill,
});

const services = new LocalAppServices({
  host: 'electron',
  dataFolder: folder,
  modelsDir,
  openExternal: (url) => shell.openExternal(url),
  restartEngine: () => supervisor.restart(),
  chooseModel: () => chooseModel(window),
  chooseFolder: () => chooseFolder(window),
  chooseTarget: (name) => chooseTarget(window, name),
  showInFolder: (path) => shell.showItemInFolder(path),
  onSettings: (settings) => applyTheme(window, settings.theme),
});

const ending = new Ending({
  stop: () => Promise.allSettled([supervisor.stop(), services.stop()]),
  quit: () => app.quit(),
  exit: (code) => app.exit(code),
  relaunch: () => app.relaunch(),
  askToDiscard,
});

setUp();

/** Set-up that must precede the app's ready event. */
function setUp(): void {
  const sessionFolder = join(folder, 'session');
  mkdirSync(sessionFolder, { recursive: true });
  app.setPath('userData', folder);
  // Keeps Chromium's files separate from chats and settings.
  app.setPath('sessionData', sessionFolder);
  app.setPath('crashDumps', join(sessionFolder, 'crashes'));
  if (!app.requestSingleInstanceLock()) {
    process.stdout.write('Tokenscope is already running. Bringing its window to the front.\n');
    app.exit(0);
    return;
  }
  registerAppScheme();
  restrictChromium(devServer);
  app.on('web-contents-created', (_event, contents) => restrictContents(contents));
  app.on('second-instance', (_event, argv, workingFolder) => {
    if (ending.onSecondStart()) open(requestsIn(ownArguments(argv), workingFolder));
  });
  // macOS sends events instead of arguments.
  for (const event of ['open-file', 'open-url'] as const) {
    app.on(event as 'open-url', (sent, item) => {
      sent.preventDefault();
      open([requestIn(item, process.cwd())].filter((request) => request !== null));
    });
  }
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  app.on('will-quit', (event) => ending.onWillQuit(event));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.onSignal());
  started = app.whenReady().then(run);
  started.catch(failToStart);
  const requests = requestsIn(ownArguments(process.argv), process.cwd());
  if (requests.length > 0) open(requests);
}

/** Without the program, and the app's folder in development. */
function ownArguments(argv: readonly string[]): readonly string[] {
  return argv.slice(process.defaultApp ? 2 : 1);
}

/** Brings the window to the front and shows what the system wants opened. */
function open(requests: readonly OpenRequest[]): void {
  void started
    .then(async () => {
      await showWindow();
      for (const request of requests) await services.open(request);
    })
    .catch(failToStart);
}

async function run(): Promise<void> {
  setApplicationMenu(process.platform);
  restrictSession(session.defaultSession, services.networkLog, devServer);
  serveAppScheme(join(import.meta.dirname, '..', 'renderer'), devServer);
  await services.start();
  registerIpc({
    services,
    onPortRequest: () => supervisor.requestPort(),
    onWindowVerb: (verb) => window && doWindowVerb(window, verb),
  });
  supervisor.start();
  nativeTheme.on('updated', () => void theme().then((setting) => paintBackground(window, setting)));
  app.on('activate', () => void showWindow().catch(failToStart));
  await showWindow();
}

/** Opens the window, or brings it to the front. */
async function showWindow(): Promise<void> {
  if (window !== null) return focusWindow(window);
  opening ??= openWindow().finally(() => (opening = null));
  await opening;
}

async function openWindow(): Promise<void> {
  const preload = join(import.meta.dirname, '..', 'preload', 'preload.cjs');
  const opened = await createWindow({ dataFolder: folder, preload, theme: await theme() });
  window = opened;
  opened.on('closed', () => (window = null));
  opened.webContents.on('will-prevent-unload', (event) => ending.onPreventUnload(event));
  reloadAfterCrash(opened, {
    notice: (message) => services.emit({ type: 'notice', message }),
    askToReload,
    quit: () => app.quit(),
  });
  await opened.loadURL(APP_PAGE).catch((error: unknown) => {
    // Closed while it was loading.
    if (!opened.isDestroyed()) throw error;
  });
}

async function theme() {
  return (await services.invoke('settingsGet')).theme;
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

/** Not the synchronous dialog, which would block signals. */
async function askToDiscard(): Promise<boolean> {
  const options: MessageBoxOptions = {
    type: 'warning',
    message: 'Some chats are not saved.',
    detail: 'If you quit now, unsaved changes are lost.',
    buttons: ['Quit anyway', 'Cancel'],
    defaultId: 1,
    cancelId: 1,
    noLink: true,
  };
  const { response } = await (window === null
    ? dialog.showMessageBox(options)
    : dialog.showMessageBox(window, options));
  return response === 0;
}

function forceKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It exited by itself at this moment.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}

function failToStart(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`tokenscope: ${message}\n`);
  dialog.showErrorBox('Tokenscope could not start', message);
  app.exit(1);
}
