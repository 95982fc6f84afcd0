/**
 * Browsers open at most six connections to a web host, for all its tabs together, and reading events takes one for as long
 * as a page is open. So one page reads them for all, the one that has a lock. When it is closed, the next one gets it.
 */
import type { AppEvent } from '../../src-main/protocol/app/app-services.ts';
import { newId } from './new-id.ts';

/** The locks and channels that the tabs of a browser share. */
export interface Tabs {
  /** Runs `work` once no other tab holds the lock. @throws if the browser refuses, or `signal` aborts before that */
  lock(name: string, signal: AbortSignal, work: () => Promise<void>): Promise<void>;
  /** @param hear receives the messages of the other tabs @throws if the browser refuses */
  openChannel(name: string, hear: (message: unknown) => void): Pick<BroadcastChannel, 'postMessage' | 'close'>;
}

/** What the page with the lock passes on; `lost`: its connection was. */
export type StreamNews = AppEvent | { type: 'lost' };

/** This page's part. */
export interface EventStream {
  /** Reads events until `signal` aborts. Never rejects. @param tell receives them and lost connections */
  read(signal: AbortSignal, tell: (news: StreamNews) => void): Promise<void>;
  /** What a page that joins must know. */
  state(): AppEvent[];
  /** Another page passed news on. */
  hear(news: StreamNews): void;
}

type TabMessage =
  | { type: 'news'; news: StreamNews }
  | { type: 'join'; page: string }
  /** For the page that joined; null: for those that joined before a page had the lock. */
  | { type: 'state'; page: string | null; state: AppEvent[] };

/** Null where browsers have none, or on an insecure origin. */
export function browserTabs(): Tabs | null {
  if (!('locks' in navigator) || !('BroadcastChannel' in window)) return null;
  return {
    async lock(name, signal, work) {
      await navigator.locks.request(name, { signal }, work);
    },
    openChannel(name, hear) {
      const channel = new BroadcastChannel(name);
      channel.onmessage = ({ data }) => hear(data);
      return channel;
    },
  };
}

/**
 * Shares a stream with the pages that use the same name, until `signal` aborts. Each page reads for itself first, so that
 * its start waits for nothing and misses nothing, and stops when another one has told it that it reads for all. Never
 * rejects.
 */
export async function shareEvents(tabs: Tabs, name: string, stream: EventStream, signal: AbortSignal): Promise<void> {
  const page = newId();
  let hasLock = false;
  let channel: ReturnType<Tabs['openChannel']> | null = null;
  /** Ends this page's own reading. */
  let own = new AbortController();
  const post = (message: TabMessage): void => channel?.postMessage(message);
  const read = (): Promise<void> =>
    stream.read(AbortSignal.any([signal, own.signal]), (news) => {
      if (hasLock) post({ type: 'news', news });
    });
  const take = (news: StreamNews): void => {
    // The other page is connected.
    if (news.type === 'host' && news.state === 'here') own.abort();
    stream.hear(news);
  };
  const hear = (message: TabMessage): void => {
    if (message.type === 'join') {
      if (hasLock) post({ type: 'state', page: message.page, state: stream.state() });
    } else if (!hasLock) {
      if (message.type === 'news') take(message.news);
      else if (message.page === page || message.page === null) message.state.forEach(take);
    }
  };
  const reading = read();
  try {
    channel = tabs.openChannel(name, (message) => hear(message as TabMessage));
    post({ type: 'join', page });
    await tabs.lock(name, signal, async () => {
      hasLock = true;
      if (own.signal.aborted) {
        own = new AbortController();
        await read();
      } else {
        post({ type: 'state', page: null, state: stream.state() });
        await reading;
      }
    });
  } catch {
    // The browser blocks it for this site, so each page reads for itself. Or nobody listens any more.
  } finally {
    channel?.close();
  }
}
