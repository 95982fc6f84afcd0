/** `AppServices` for a page: through Electron's bridge, or from the web host. */
import type { AppAnswer, TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import { TOKEN_HEADER } from '../../src-main/protocol/app/app-bridge.ts';
import type { AppEvent, AppMethodName, AppMethods, AppServices } from '../../src-main/protocol/app/app-services.ts';
import { EngineError } from '../../src-main/engine/api/errors.ts';
import { fromErrorPayload } from '../../src-main/protocol/errors.ts';
import { EventHub } from './event-hub.ts';
import { eventsIn } from './event-stream.ts';

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

/** @param key from the printed address; sent with every request */
export function webServices(key: string, fetcher: typeof fetch = fetch.bind(globalThis)): PageServices {
  const hub = new EventHub();
  let listening: AbortController | null = null;
  /** Of last calls that are under way. */
  let lastBytes = 0;

  async function request<M extends AppMethodName>(method: M, init: RequestInit): Promise<AppMethods[M]['result']> {
    let answer: AppAnswer<AppMethods[M]['result']>;
    let status: number;
    try {
      const response = await fetcher('/api/invoke', {
        method: 'POST',
        headers: { 'content-type': 'application/json', [TOKEN_HEADER]: key },
        ...init,
      });
      ({ status } = response);
      // The server is part of this program: its bodies are always AppAnswers, whatever the status.
      answer = (await response.json()) as AppAnswer<AppMethods[M]['result']>;
    } catch (error) {
      throw new EngineError('STORAGE', STOPPED, { method, reason: String(error) }, { cause: error });
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
  async function readEvents(signal: AbortSignal, onOpen: () => void): Promise<void> {
    const response = await fetcher('/api/events', { headers: { [TOKEN_HEADER]: key }, signal });
    if (response.status === 401) throw new KeyRefusedError();
    if (!response.ok || !response.body) throw new Error(`No events: status ${response.status}`);
    onOpen();
    for await (const data of eventsIn(response.body)) hub.emit(JSON.parse(data) as AppEvent);
  }

  async function listen(signal: AbortSignal): Promise<void> {
    let wasOpen = false;
    /** Attempts since the stream was open. */
    let failures = 0;
    const onOpen = () => {
      failures = 0;
      hub.emit({ type: 'host', state: 'here', message: null });
      // Events in the meantime were lost.
      if (wasOpen) void catchUp();
      wasOpen = true;
    };
    while (!signal.aborted) {
      let refused = false;
      try {
        await readEvents(signal, onOpen);
      } catch (error) {
        refused = error instanceof KeyRefusedError;
      }
      if (signal.aborted) return;
      // Do not report a host that restarts at once.
      if (refused) hub.emit({ type: 'host', state: 'refused', message: REFUSED });
      else if (failures > 0) hub.emit({ type: 'host', state: 'away', message: STOPPED });
      await pause(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0);
      failures++;
    }
  }

  /** Makes the page reload its data. What else it shows is read when the host is `here` again. */
  async function catchUp(): Promise<void> {
    hub.emit({ type: 'chats' });
    hub.emit({ type: 'models' });
    try {
      hub.emit({ type: 'settings', settings: await invoke('settingsGet') });
      hub.emit({ type: 'savedItems', items: await invoke('savedItems') });
    } catch {
      // Lost again: this is repeated at the next connection.
    }
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
