/** Hands ports to the hidden GPU page, and nothing else. Shares no imports with `preload.ts`, so that each is one file. */
import { ipcRenderer } from 'electron';
import { GPU_PORT_CHANNEL, GPU_PORT_MESSAGE } from '../protocol/app/gpu-window.ts';

ipcRenderer.on(GPU_PORT_CHANNEL, ({ ports }) => {
  window.postMessage({ type: GPU_PORT_MESSAGE }, location.origin, [...ports]);
});
