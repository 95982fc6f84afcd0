/** Passes ports to the hidden page of the GPU, which gets nothing else. Imports nothing that `preload.ts` does: one file each. */
import { ipcRenderer } from 'electron';
import { GPU_PORT_CHANNEL, GPU_PORT_MESSAGE } from '../protocol/app/gpu-window.ts';

ipcRenderer.on(GPU_PORT_CHANNEL, ({ ports }) => {
  window.postMessage({ type: GPU_PORT_MESSAGE }, location.origin, [...ports]);
});
