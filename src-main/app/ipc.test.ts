import { EventEmitter } from 'node:events';
import type { IpcMainEvent, WebContents } from 'electron';
import { expect, test, vi } from 'vitest';
import { IPC } from '../protocol/app/app-bridge.ts';
import { LocalAppServices } from '../services/app-services.ts';
import { temporaryFolder } from '../services/test-support/support.ts';
import { noticeFor, registerIpc } from './ipc.ts';

const listeners = vi.hoisted(() => new Map<string, (event: IpcMainEvent) => void>());
vi.mock('electron', () => ({
  ipcMain: {
    on: (channel: string, listener: (event: IpcMainEvent) => void) => void listeners.set(channel, listener),
    handle: () => undefined,
  },
  net: {},
  protocol: {},
}));

/** A page that listens when told to. */
function fakePage() {
  const sent: { type: string; message?: string }[] = [];
  const contents = Object.assign(new EventEmitter(), {
    send: (_channel: string, event: { type: string }) => void sent.push(event),
  }) as unknown as WebContents;
  const senderFrame = { origin: 'app://tokenscope', parent: null };
  return {
    contents,
    listen: () => listeners.get(IPC.listen)!({ sender: contents, senderFrame } as unknown as IpcMainEvent),
    notices: () => sent.filter(({ type }) => type === 'notice').map(({ message }) => message),
  };
}

test('a notice about a crash goes only to the page that crashed, when it listens again', async () => {
  const services = new LocalAppServices({
    ...{ host: 'electron', dataFolder: await temporaryFolder(), modelsDir: 'models' },
    openExternal: () => Promise.resolve(),
    restartEngine: () => Promise.resolve(),
  });
  registerIpc({
    ...{ services, ready: Promise.resolve() },
    ...{ onPortRequest: vi.fn(), onWindowVerb: vi.fn(), onDesktop: vi.fn() },
    ...{ isWindow: () => true, isFront: () => true },
  });
  const [crashed, other, later] = [fakePage(), fakePage(), fakePage()];
  crashed.listen();
  other.listen();
  crashed.contents.emit('render-process-gone');
  noticeFor(crashed.contents, 'The page crashed.');
  expect(crashed.notices()).toEqual([]);
  for (const page of [crashed, other, later]) page.listen();
  expect([crashed, other, later].map((page) => page.notices())).toEqual([['The page crashed.'], [], []]);
  // It was shown once.
  crashed.listen();
  expect(crashed.notices()).toHaveLength(1);
});
