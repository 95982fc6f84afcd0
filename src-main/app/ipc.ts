/** Calls from the page to the main process. Every message is checked: its sender, the method and the values. */
import { ipcMain, type IpcMainEvent, type IpcMainInvokeEvent, type WebContents } from 'electron';
import { isAbsolute } from 'node:path';
import { EngineError } from '../engine/api/errors.ts';
import { type AppAnswer, IPC, WINDOW_VERBS, type WindowVerb } from '../protocol/app/app-bridge.ts';
import { readDesktopMessage, type DesktopMessage } from '../protocol/app/desktop.ts';
import { toErrorPayload } from '../protocol/errors.ts';
import { answer, answerCall } from '../services/answer.ts';
import type { LocalAppServices } from '../services/app-services.ts';
import { APP_ORIGIN } from './app-protocol.ts';
import { sendEvents } from './page-events.ts';

export interface IpcOptions {
  services: LocalAppServices;
  /** Resolves when the services have started. */
  ready: Promise<void>;
  /** A page requests a port to the engine. */
  onPortRequest(page: WebContents): void;
  onWindowVerb(page: WebContents, verb: WindowVerb): void;
  onDesktop(page: WebContents, message: DesktopMessage): void;
  /** Whether it is the page of a window, and not another one of the app. */
  isWindow(page: WebContents): boolean;
  /** Whether it is the page of the window in front, which shows what the system opens. */
  isFront(page: WebContents): boolean;
}

/** The checked properties of Electron's frame. */
export interface SenderFrame {
  readonly origin: string;
  readonly parent: unknown;
}

export function registerIpc(options: IpcOptions): void {
  const { services, ready } = options;
  const refuseSender = (event: IpcMainEvent | IpcMainInvokeEvent) => refusal(event, options.isWindow(event.sender));
  ipcMain.handle(IPC.invoke, async (event, method: unknown, params: unknown): Promise<AppAnswer> => {
    const refused = refuseSender(event);
    await ready;
    return refused === null ? await answerCall(services, method, params) : { error: toErrorPayload(refused) };
  });
  ipcMain.handle(IPC.dropModel, async (event, path: unknown): Promise<AppAnswer> => {
    const refused = refuseSender(event) ?? refusePath(path);
    await ready;
    return refused === null
      ? await answer(() => services.addModel(path as string))
      : { error: toErrorPayload(refused) };
  });
  ipcMain.on(IPC.listen, (event) => {
    if (refuseSender(event) === null) sendEvents(event.sender, services, options.isFront);
  });
  ipcMain.on(IPC.enginePort, (event) => {
    if (refuseSender(event) === null) options.onPortRequest(event.sender);
  });
  ipcMain.on(IPC.window, (event, verb: unknown) => {
    if (refuseSender(event) === null && isWindowVerb(verb)) options.onWindowVerb(event.sender, verb);
  });
  ipcMain.on(IPC.desktop, (event, value: unknown) => {
    const message = refuseSender(event) === null ? readDesktopMessage(value) : null;
    if (message !== null) options.onDesktop(event.sender, message);
  });
}

/** Whether it is the app's own page in the top frame. */
export function isTrustedFrame(frame: SenderFrame | null): boolean {
  return frame !== null && frame.parent === null && frame.origin === APP_ORIGIN;
}

export function isWindowVerb(value: unknown): value is WindowVerb {
  return WINDOW_VERBS.some((verb) => verb === value);
}

/** Null if the sender is accepted. A frame that has navigated away meanwhile is refused too. */
function refusal(event: IpcMainEvent | IpcMainInvokeEvent, isWindow: boolean): EngineError | null {
  if (isWindow && isTrustedFrame(event.senderFrame)) return null;
  const origin = event.senderFrame?.origin ?? 'a closed page';
  process.stderr.write(`tokenscope: refused a message from ${origin}\n`);
  return new EngineError('BAD_REQUEST', 'Only the app’s own page may make this call.');
}

/** Null if the preload took the path from a file on disk. */
function refusePath(path: unknown): EngineError | null {
  if (typeof path === 'string' && isAbsolute(path)) return null;
  return new EngineError('BAD_REQUEST', 'That is not a file on this computer. Drop a .gguf file or a model’s folder.');
}
