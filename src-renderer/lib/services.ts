/** `AppServices` as a page reaches them: through Electron's bridge, or from the server that the page came from. */
import type { AppAnswer, TokenscopeBridge } from '../../src-main/protocol/app-bridge.ts';
import { TOKEN_HEADER } from '../../src-main/protocol/app-bridge.ts';
import type { AppEvent, AppMethodName, AppMethods, AppServices } from '../../src-main/protocol/app-services.ts';
import { EngineError } from '../../src-main/engine/errors.ts';
import { fromErrorPayload } from '../../src-main/protocol/errors.ts';
import { eventsIn } from './event-stream.ts';

export function electronServices(bridge: TokenscopeBridge): AppServices {
  return {
    invoke: async (method, ...params) => resultOf(await bridge.invoke(method, ...params)),
    onEvent: (listener) => bridge.onEvent(listener),
  };
}

/** Waits between attempts to listen again, ms; the last one repeats. */
const RETRY_MS = [500, 1000, 2000, 5000];

/** @param token what the server wrote into the page; it goes back with every request */
export function webServices(token: string, fetcher: typeof fetch = fetch.bind(globalThis)): AppServices {
  const listeners = new Set<(event: AppEvent) => void>();
  let listening: AbortController | null = null;

  async function invoke<M extends AppMethodName>(
    method: M,
    ...params: AppMethods[M]['params']
  ): Promise<AppMethods[M]['result']> {
    let answer: AppAnswer<AppMethods[M]['result']>;
    try {
      const response = await fetcher('/api/invoke', {
        method: 'POST',
        headers: { 'content-type': 'application/json', [TOKEN_HEADER]: token },
        body: JSON.stringify({ method, params }),
      });
      // The server is the other half of this program: its bodies are AppAnswers, whatever the status.
      answer = (await response.json()) as AppAnswer<AppMethods[M]['result']>;
    } catch (error) {
      throw new EngineError(
        'STORAGE',
        'Tokenscope does not answer at this address. Start it again in the terminal, then reload this page.',
        { method, reason: String(error) },
        { cause: error },
      );
    }
    return resultOf(answer);
  }

  async function listen(signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const response = await fetcher('/api/events', { headers: { [TOKEN_HEADER]: token }, signal });
        if (response.ok && response.body) {
          attempt = 0;
          for await (const data of eventsIn(response.body)) {
            const event = JSON.parse(data) as AppEvent;
            for (const listener of [...listeners]) listener(event);
          }
        }
      } catch {
        // The server went away or is not there yet; what a person does next will say so.
      }
      const wait = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)];
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  return {
    invoke,
    onEvent(listener) {
      listeners.add(listener);
      if (listening === null) {
        listening = new AbortController();
        void listen(listening.signal);
      }
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        listening?.abort();
        listening = null;
      };
    },
  };
}

export function resultOf<T>(answer: AppAnswer<T>): T {
  if ('error' in answer) throw fromErrorPayload(answer.error);
  return answer.result;
}
