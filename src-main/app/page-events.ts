/** Events of the services, sent to the pages that listen for them. */
import type { WebContents } from 'electron';
import { randomUUID } from 'node:crypto';
import { IPC } from '../protocol/app/app-bridge.ts';
import type { AppEvent } from '../protocol/app/app-services.ts';
import type { LocalAppServices } from '../services/app-services.ts';

/** Unsubscribe function of each page's events. */
const subscriptions = new WeakMap<WebContents, () => void>();
/** Notices of pages that do not listen yet. */
const notices = new WeakMap<WebContents, AppEvent[]>();

/** A notice for this page only, which gets it when it listens the next time. */
export function noticeFor(page: WebContents, message: string): void {
  const notice: AppEvent = { type: 'notice', id: randomUUID(), message };
  notices.set(page, [...(notices.get(page) ?? []), notice]);
}

/** Sends this page all events from now on; a page that was loaded again listens once. `isFront`: as in `IpcOptions`. */
export function sendEvents(
  page: WebContents,
  services: Pick<LocalAppServices, 'onEvent'>,
  isFront: (page: WebContents) => boolean,
): void {
  const before = subscriptions.get(page);
  if (before === undefined) {
    const stop = (): void => subscriptions.get(page)?.();
    // First, because nothing that other listeners send would arrive.
    page.prependListener('render-process-gone', stop);
    page.on('destroyed', stop);
  } else before();
  subscriptions.set(
    page,
    services.onEvent((event) => {
      if (event.type !== 'opened' || isFront(page)) page.send(IPC.event, event);
    }),
  );
  for (const notice of notices.get(page) ?? []) page.send(IPC.event, notice);
  notices.delete(page);
}
