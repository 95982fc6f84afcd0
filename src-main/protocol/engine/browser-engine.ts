/** The page's side of the engine in a browser Worker. */
import { CancelFlags } from './cancel-flags.ts';
import { linkTo } from './relay.ts';
import type { Transport } from '../transports/transport.ts';
import { messagePortTransport, type MessagePortLike } from '../transports/message-port.ts';

/** First message from the page to the Worker. */
export interface WorkerStart {
  type: 'start';
  /** Null where the page is not isolated: a cancel then travels as a message. */
  cancelFlags: SharedArrayBuffer | null;
  /** Opens the library's models at the web host; empty where there is none. */
  token: string;
}

/** Beside the protocol: the files of a model that a person opened in the page; null takes them back. */
export interface WorkerModelFiles {
  type: 'model-files';
  id: string;
  /** What people call the model. */
  name: string;
  files: readonly File[] | null;
}

export function isWorkerModelFiles(message: unknown): message is WorkerModelFiles {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'model-files';
}

/** First message from the Worker to the page. */
export interface WorkerReady {
  type: 'ready';
  /** Name of the lock the Worker holds as long as it lives; null where the browser has no locks. */
  lock: string | null;
}

/** How long a Worker may take to load and answer, ms. */
const START_TIMEOUT_MS = 30_000;

/**
 * Connects to the engine in a Worker that was just made. The transport closes when the Worker fails to start, throws,
 * or dies. A Worker that is terminated tells nobody, so it holds a Web Lock: the page asks for the same lock and gets
 * it exactly when the Worker is gone, at once and without a heartbeat.
 *
 * @param token of the web host's start; left out, the Worker opens no models of the library
 */
export function connectWorkerEngine(worker: Worker, token = ''): Transport {
  const shared = globalThis.crossOriginIsolated ? CancelFlags.allocate() : null;
  worker.postMessage({ type: 'start', cancelFlags: shared, token } satisfies WorkerStart);
  // A Worker is an EventTarget whose events are wider than the protocol needs.
  const direct = messagePortTransport(worker as MessagePortLike);
  const { transport, lost } = withReadyMessage(direct);
  const link = linkTo(transport, shared && new CancelFlags(shared));
  void lost.then(() => {
    link.lost();
    worker.terminate();
  });
  return link.transport;
}

/** Takes the Worker's `ready` message out of the stream and watches the Worker's life from then on. */
function withReadyMessage(direct: Transport): { transport: Transport; lost: Promise<void> } {
  let reportLost: () => void = () => undefined;
  const lost = new Promise<void>((resolve) => (reportLost = resolve));
  const timer = setTimeout(reportLost, START_TIMEOUT_MS);
  const watching = new AbortController();
  const transport: Transport = {
    post: (message) => direct.post(message),
    onMessage(listener) {
      direct.onMessage((message) => {
        if (!isReady(message)) return listener(message);
        clearTimeout(timer);
        if (message.lock === null) return;
        const granted = navigator.locks.request(message.lock, { signal: watching.signal }, () => undefined);
        // Rejects only when the watch is called off.
        granted.then(reportLost, () => undefined);
      });
    },
    onClose: (listener) =>
      direct.onClose(() => {
        clearTimeout(timer);
        watching.abort();
        listener();
      }),
    close() {
      clearTimeout(timer);
      watching.abort();
      direct.close();
      reportLost();
    },
  };
  return { transport, lost };
}

function isReady(message: unknown): message is WorkerReady {
  return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready';
}
