/** The page's only access to the outside. Just functions: it gets no channels, event objects or Electron types. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';
import {
  ENGINE_PORT_MESSAGE,
  type AppAnswer,
  type TokenscopeBridge,
  IPC,
  type WindowVerb,
} from '../protocol/app/app-bridge.ts';
import type { AppEvent, ModelListing } from '../protocol/app/app-services.ts';
import type { MenuCommand } from '../protocol/app/desktop.ts';

const listeners = new Set<(event: AppEvent) => void>();
ipcRenderer.on(IPC.event, (_event, appEvent: AppEvent) => {
  for (const listener of listeners) listener(appEvent);
});

const commandListeners = new Set<(command: MenuCommand) => void>();
ipcRenderer.on(IPC.command, (_event, command: MenuCommand) => {
  for (const listener of commandListeners) listener(command);
});

// The bridge cannot pass a port, so it is sent as a window message, to this origin only.
ipcRenderer.on(IPC.enginePort, ({ ports }) => {
  window.postMessage({ type: ENGINE_PORT_MESSAGE }, location.origin, [...ports]);
});

const ON_CLICK_ONLY: ReadonlyMap<string, string> = new Map([
  ['openExternal', 'A web page opens only when you click its link.'],
  ['downloadStart', 'A download starts only when you click it.'],
  ['updateCheck', 'The app checks for updates only when you click it.'],
  ['updateDownload', 'An update is downloaded only when you click it.'],
  ['downloadResume', 'A download resumes only when you click it.'],
]);

async function invoke(method: string, ...params: unknown[]): Promise<AppAnswer> {
  // Actions outside the app need a person's click, so scripts cannot trigger them.
  const needsClick = ON_CLICK_ONLY.get(method);
  if (needsClick !== undefined && !navigator.userActivation.isActive) {
    return { error: { code: 'BAD_REQUEST', message: needsClick, details: {} } };
  }
  return (await ipcRenderer.invoke(IPC.invoke, method, params)) as AppAnswer;
}

/** The page never sees the path: only a file that a person dropped or chose has one. */
async function dropModel(file: File): Promise<AppAnswer<ModelListing>> {
  const path = webUtils.getPathForFile(file);
  return (await ipcRenderer.invoke(IPC.dropModel, path)) as AppAnswer<ModelListing>;
}

const send = (verb: WindowVerb) => () => ipcRenderer.send(IPC.window, verb);

const bridge: TokenscopeBridge = {
  host: 'electron',
  platform: process.platform,
  invoke: invoke as TokenscopeBridge['invoke'],
  dropModel,
  onEvent(listener) {
    listeners.add(listener);
    ipcRenderer.send(IPC.listen);
    return () => void listeners.delete(listener);
  },
  requestEnginePort: () => ipcRenderer.send(IPC.enginePort),
  windowControls: { minimize: send('minimize'), toggleMaximize: send('toggleMaximize'), close: send('close') },
  onCommand(listener) {
    commandListeners.add(listener);
    return () => void commandListeners.delete(listener);
  },
  tellDesktop: (message) => ipcRenderer.send(IPC.desktop, message),
};

contextBridge.exposeInMainWorld('tokenscope', bridge);
