import { EventEmitter } from 'node:events';
import type { WebContents } from 'electron';
import { expect, test } from 'vitest';
import { LocalAppServices } from '../services/app-services.ts';
import { temporaryFolder } from '../services/test-support/support.ts';
import { noticeFor, sendEvents } from './page-events.ts';

/** A page that keeps what it is sent. */
function fakePage() {
  const sent: { type: string; message?: string }[] = [];
  const contents = Object.assign(new EventEmitter(), {
    send: (_channel: string, event: { type: string }) => void sent.push(event),
  }) as unknown as WebContents;
  return { contents, notices: () => sent.filter(({ type }) => type === 'notice').map(({ message }) => message) };
}

test('a notice about a crash goes only to the page that crashed, when it listens again', async () => {
  const services = new LocalAppServices({
    ...{ host: 'electron', dataFolder: await temporaryFolder(), modelsDir: 'models' },
    openExternal: () => Promise.resolve(),
    restartEngine: () => Promise.resolve(),
  });
  const listen = (page: ReturnType<typeof fakePage>) => sendEvents(page.contents, services, () => true);
  const [crashed, other, later] = [fakePage(), fakePage(), fakePage()];
  listen(crashed);
  listen(other);
  crashed.contents.emit('render-process-gone');
  noticeFor(crashed.contents, 'The page crashed.');
  expect(crashed.notices()).toEqual([]);
  for (const page of [crashed, other, later]) listen(page);
  expect([crashed, other, later].map((page) => page.notices())).toEqual([['The page crashed.'], [], []]);
  // It was shown once.
  listen(crashed);
  expect(crashed.notices()).toHaveLength(1);
});
