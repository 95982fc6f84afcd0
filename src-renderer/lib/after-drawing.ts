import { nextFrame } from './next-frame.ts';

/** Calls back when the frame that is running has been drawn: a message that is sent in a frame arrives after it. */
export function afterDrawing(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}

/** Calls back in a task of its own, when the next frame has been drawn: what takes long makes no frame longer. */
export function afterNextFrame(callback: () => void): void {
  nextFrame(() => afterDrawing(callback));
}
