/** The engine in a browser Worker. The page's side is `protocol/browser-engine.ts`. */
import { InferenceEngine } from '../../engine/index.ts';
import type { WorkerReady, WorkerStart } from '../../protocol/browser-engine.ts';
import { CancelFlags } from '../../protocol/cancel-flags.ts';
import { EngineService } from '../../protocol/engine-service.ts';
import { serveEngine } from '../../protocol/server.ts';
import { messagePortTransport, type MessagePortLike } from '../../protocol/transports/message-port.ts';
import { openWebModel } from './worker/web-model-files.ts';
import { webPlatform } from './worker/web-platform.ts';

declare const self: DedicatedWorkerGlobalScope;

self.addEventListener(
  'message',
  (event: MessageEvent<WorkerStart>) => {
    const { cancelFlags } = event.data;
    const platform = webPlatform({ yieldEveryToken: cancelFlags === null });
    const service = new EngineService({ engine: new InferenceEngine(platform), openModel: (id) => openWebModel(id) });
    // A Worker's scope is an EventTarget whose events are wider than the protocol needs.
    serveEngine(messagePortTransport(self as MessagePortLike), service, {
      cancelFlags: cancelFlags && new CancelFlags(cancelFlags),
      flushMs: 0,
      log: platform.log,
    });
    holdLifeLock((lock) => self.postMessage({ type: 'ready', lock } satisfies WorkerReady));
  },
  { once: true },
);

/** Takes a lock of its own for as long as this Worker lives, so that the page learns of its end. */
function holdLifeLock(held: (name: string | null) => void): void {
  // Browsers offer locks to secure origins only.
  if (!('locks' in navigator)) return held(null);
  const name = `tokenscope-engine-${crypto.randomUUID()}`;
  void navigator.locks.request(name, () => {
    held(name);
    return new Promise<never>(() => undefined);
  });
}
