/** Calls back when the frame that is running has been drawn: a message that is sent in a frame arrives after it. */
export function afterDrawing(callback: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(null);
}
