/** The hidden GPU page: starts a Worker for each port to the engine. The Worker ends with its port. */
import { GPU_PORT_MESSAGE } from '../../src-main/protocol/app/gpu-window.ts';
import { workerUrl } from '../lib/trusted-url.ts';

window.addEventListener('message', ({ source, data, ports: [port] }: MessageEvent<unknown>) => {
  if (source !== window || !isPortMessage(data) || port === undefined) return;
  new Worker(workerUrl('gpu.worker.js'), { type: 'module' }).postMessage(null, [port]);
});

function isPortMessage(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'type' in data && data.type === GPU_PORT_MESSAGE;
}
