import { type Transport, Inbox } from '../../transports/transport.ts';

/**
 * Two ends in one thread. Messages are cloned as between processes, and arrive in order, after the sender's own code has
 * run.
 */
export function memoryTransportPair(): [Transport, Transport] {
  const first = new Inbox();
  const second = new Inbox();
  return [end(first, second), end(second, first)];
}

function end(own: Inbox, other: Inbox): Transport {
  return {
    post(message) {
      if (own.closed) return;
      const copy: unknown = structuredClone(message);
      queueMicrotask(() => other.receive(copy));
    },
    onMessage: (listener) => own.onMessage(listener),
    onClose: (listener) => own.onClose(listener),
    close() {
      own.hangUp();
      queueMicrotask(() => other.close());
    },
  };
}
