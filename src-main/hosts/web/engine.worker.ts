/** The engine in a browser Worker. The page's side is `protocol/engine/browser-engine.ts`. */
import { InferenceEngine } from '../../engine/index.ts';
import { isWorkerModelFiles, type WorkerReady, type WorkerStart } from '../../protocol/engine/browser-engine.ts';
import { CancelFlags } from '../../protocol/engine/cancel-flags.ts';
import { EngineService } from '../../protocol/engine/engine-service.ts';
import { serveEngine } from '../../protocol/engine/server.ts';
import type { Transport } from '../../protocol/transports/transport.ts';
import { messagePortTransport, type MessagePortLike } from '../../protocol/transports/message-port.ts';
import { fetchBeside } from './worker/fetch-beside.ts';
import { LentFiles } from './worker/lent-files.ts';
import { libraryModels } from './worker/library-model.ts';
import { openWebModel } from './worker/web-model-files.ts';
import { webPlatform } from './worker/web-platform.ts';

declare const self: DedicatedWorkerGlobalScope;

self.addEventListener(
  'message',
  (event: MessageEvent<WorkerStart>) => {
    const { cancelFlags, token } = event.data;
    const platform = webPlatform({ yieldEveryToken: cancelFlags === null });
    const lent = new LentFiles();
    const openLibraryModel = libraryModels(token);
    const service = new EngineService({
      engine: new InferenceEngine(platform),
      openModel: async (id) => lent.open(id) ?? (await openLibraryModel(id)) ?? openWebModel(id, fetchBeside),
    });
    serveEngine(withoutModelFiles(lent), service, {
      cancelFlags: cancelFlags && new CancelFlags(cancelFlags),
      log: platform.log,
    });
    holdLifeLock((lock) => self.postMessage({ type: 'ready', lock } satisfies WorkerReady));
  },
  { once: true },
);

/** The page's protocol, without the messages about lent files. */
function withoutModelFiles(lent: LentFiles): Transport {
  // A Worker's scope is an EventTarget with more general events than the protocol needs.
  const transport = messagePortTransport(self as MessagePortLike);
  return {
    ...transport,
    onMessage(listener) {
      transport.onMessage((message) => {
        if (!isWorkerModelFiles(message)) return listener(message);
        if (message.files === null) lent.takeBack(message.id);
        else lent.lend(message.id, message.name, message.files);
      });
    },
  };
}

/** Holds a lock for as long as this Worker runs, so that the page notices its end. */
function holdLifeLock(held: (name: string | null) => void): void {
  // Browsers offer locks to secure origins only.
  if (!('locks' in navigator)) return held(null);
  const name = `tokenscope-engine-${crypto.randomUUID()}`;
  const holding = navigator.locks.request(name, () => {
    held(name);
    return new Promise<never>(() => undefined);
  });
  // They refuse them where a person blocks the site's data.
  holding.catch(() => held(null));
}
