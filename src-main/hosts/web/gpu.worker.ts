/** The GPU for the engine of the Electron app, whose process has none. Each connection has its own Worker of a hidden page. */
import { type MessageLink, serveGpu } from '../../engine/index.ts';
import type { Gpu } from '../../engine/api/gpu.ts';
import { messagePortTransport, type MessagePortLike } from '../../protocol/transports/message-port.ts';

declare const self: DedicatedWorkerGlobalScope;

self.addEventListener(
  'message',
  ({ ports: [port] }: MessageEvent<unknown>) => {
    // The engine's types are a part of the DOM's.
    const gpu = 'gpu' in navigator ? (navigator.gpu as unknown as Gpu) : null;
    const link: MessageLink = messagePortTransport(port as MessagePortLike);
    serveGpu(link, gpu, { onEnd: () => self.close() });
  },
  { once: true },
);
