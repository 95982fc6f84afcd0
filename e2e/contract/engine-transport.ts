import { ENGINE_PORT_MESSAGE, type TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import { messagePortTransport } from '../../src-main/protocol/transports/message-port.ts';
import type { Transport } from '../../src-main/protocol/transports/transport.ts';

/** A connection to Electron's engine, instead of the page's earlier one: the main process provides a port. */
export async function engineTransport(bridge: TokenscopeBridge): Promise<Transport> {
  const port = await new Promise<MessagePort>((resolve) => {
    const onMessage = ({ data, ports }: MessageEvent<{ type?: unknown } | null>) => {
      if (data?.type !== ENGINE_PORT_MESSAGE || ports[0] === undefined) return;
      window.removeEventListener('message', onMessage);
      resolve(ports[0]);
    };
    window.addEventListener('message', onMessage);
    bridge.requestEnginePort();
  });
  return messagePortTransport(port);
}
