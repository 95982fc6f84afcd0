/** `AppServices` for a page: through Electron's bridge, or from the web host. */
import type { AppAnswer, TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import type { AppEvent, AppMethodName, AppMethods, AppServices } from '../../src-main/protocol/app/app-services.ts';
import { KnownHost, UnknownHostError } from '../../src-main/protocol/app/known-host.ts';
import { EngineError } from '../../src-main/engine/api/errors.ts';
import { fromErrorPayload } from '../../src-main/protocol/errors.ts';
import { sha256OfText } from '../../src-main/protocol/sha256.ts';
import { EventHub } from './event-hub.ts';
import { eventsIn } from './event-stream.ts';
import { browserTabs, shareEvents, type EventStream, type StreamNews, type Tabs } from './shared-events.ts';

/** `AppServices` for a page that may be closed at any time. */
export interface PageServices extends AppServices {
  /**
   * A call while the page ends (`pagehide`): the browser sends it even after the page is gone. That holds for at most
   * `LAST_CALL_BYTES` of such calls at a time; a larger one is sent like any other and may be lost, so save often and
   * little. In Electron every call arrives.
   */
  invokeLast: AppServices['invoke'];
}

/** Browsers limit the requests of a closed page to 64 KiB, headers included. */
export const LAST_CALL_BYTES = 60 * 1024;

/** The web host rejects this page's key. */
export class KeyRefusedError extends EngineError {
  constructor() {
    super('BAD_REQUEST', REFUSED);
  }
}

const REFUSED = 'This page’s key is no longer valid. Open the address shown in the terminal.';
const STOPPED = 'Tokenscope has stopped. Start it again from the terminal. This page will reconnect.';

export function electronServices(bridge: TokenscopeBridge): PageServices {
  const hub = new EventHub();
  let listening = false;
  const invoke: AppServices['invoke'] = async (method, ...params) => resultOf(await bridge.invoke(method, ...params));
  return {
    invoke,
    invokeLast: invoke,
    onEvent(listener) {
      if (!listening) bridge.onEvent((event) => hub.emit(event));
      listening = true;
      return hub.listen(listener);
    },
  };
}

/** Reconnection delays, ms; the last one repeats. */
const RETRY_MS = [400, 500, 1000, 2000];

/** What `webServices` needs of the browser. */
export interface WebPage {
  readonly fetcher: typeof fetch;
  readonly origin: string;
  /** Null: the page reads events for itself. */
  readonly tabs: Tabs | null;
}

function thisPage(): WebPage {
  return { fetcher: fetch.bind(globalThis), origin: location.origin, tabs: browserTabs() };
}

/** @param key from the printed address; sent with every request */
export function webServices(key: string, { fetcher, origin, tabs }: WebPage = thisPage()): PageServices {
  const host = new KnownHost({ key, origin, fetcher, isKnown: true });
  const hub = new EventHub();
  let listening: AbortController | null = null;
  /** Of last calls that are under way. */
  let lastBytes = 0;

  async function request<M extends AppMethodName>(method: M, init: RequestInit): Promise<AppMethods[M]['result']> {
    let answer: AppAnswer<AppMethods[M]['result']>;
    let status: number;
    try {
      const headers = { 'content-type': 'application/json' };
      const response = await host.fetch('/api/invoke', { method: 'POST', headers, ...init });
      ({ status } = response);
      // The server is part of this program: its bodies are always AppAnswers, whatever the status.
      answer = (await response.json()) as AppAnswer<AppMethods[M]['result']>;
    } catch (error) {
      const message = error instanceof UnknownHostError ? REFUSED : STOPPED;
      throw new EngineError('STORAGE', message, { method, reason: String(error) }, { cause: error });
    }
    if (status === 401) throw new KeyRefusedError();
    return resultOf(answer);
  }

  const bodyOf = (method: AppMethodName, params: unknown) => JSON.stringify({ method, params });

  const invoke: AppServices['invoke'] = (method, ...params) => request(method, { body: bodyOf(method, params) });

  const invokeLast: AppServices['invoke'] = async (method, ...params) => {
    const body = bodyOf(method, params);
    const bytes = new TextEncoder().encode(body).length;
    const keepalive = lastBytes + bytes <= LAST_CALL_BYTES;
    if (keepalive) lastBytes += bytes;
    try {
      return await request(method, { body, keepalive });
    } finally {
      if (keepalive) lastBytes -= bytes;
    }
  };

  /** Reads events until the stream ends. */
  async function readEvents(signal: AbortSignal, onOpen: () => void, emit: (event: AppEvent) => void): Promise<void> {
    const response = await host.fetch('/api/events', { signal });
    // Another page may read them by now.
    signal.throwIfAborted();
    if (response.status === 401) throw new KeyRefusedError();
    if (!response.ok || !response.body) throw new Error(`No events: status ${response.status}`);
    onOpen();
    for await (const data of eventsIn(response.body)) emit(JSON.parse(data) as AppEvent);
  }

  /** Reads events until `signal` aborts. @param tell passes them on to other pages */
  async function read(signal: AbortSignal, tell: (news: StreamNews) => void): Promise<void> {
    const emit = (event: AppEvent) => {
      hub.emit(event);
      tell(event);
    };
    /** Attempts since the stream was open. */
    let failures = 0;
    const onOpen = () => {
      failures = 0;
      // Events since this page, or the one that read them before, was connected were lost.
      const isBack = hub.state.some(({ type }) => type === 'host');
      emit({ type: 'host', state: 'here', message: null });
      if (isBack) void catchUp(emit);
    };
    while (!signal.aborted) {
      let refused = false;
      try {
        await readEvents(signal, onOpen, emit);
      } catch (error) {
        refused = error instanceof KeyRefusedError || error instanceof UnknownHostError;
      }
      if (signal.aborted) return;
      host.lost();
      tell({ type: 'lost' });
      // Do not report a host that restarts at once.
      if (refused) emit({ type: 'host', state: 'refused', message: REFUSED });
      else if (failures > 0) emit({ type: 'host', state: 'away', message: STOPPED });
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0);
      failures++;
    }
  }

  /** Makes the pages reload their data. What else they show is read when the host is `here` again. */
  async function catchUp(emit: (event: AppEvent) => void): Promise<void> {
    try {
      emit({ type: 'chats' });
      emit({ type: 'models' });
      emit({ type: 'settings', settings: await invoke('settingsGet') });
      emit({ type: 'savedItems', items: await invoke('savedItems') });
    } catch {
      // Lost again: this is repeated at the next connection.
    }
  }

  function listen(signal: AbortSignal): Promise<void> {
    if (tabs === null) return read(signal, () => undefined);
    const stream: EventStream = {
      read,
      state: () => hub.state,
      hear(news) {
        if (news.type === 'lost') host.lost();
        else hub.emit(news);
      },
    };
    // A page with another key has events of its own, or none.
    return shareEvents(tabs, `tokenscope.events ${sha256OfText(key)}`, stream, signal);
  }

  return {
    invoke,
    invokeLast,
    onEvent(listener) {
      const stop = hub.listen(listener);
      if (listening === null) {
        listening = new AbortController();
        void listen(listening.signal);
      }
      return () => {
        stop();
        if (hub.size > 0) return;
        listening?.abort();
        listening = null;
      };
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function resultOf<T>(answer: AppAnswer<T>): T {
  if ('error' in answer) throw fromErrorPayload(answer.error);
  return answer.result;
}
