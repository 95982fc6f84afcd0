/** JSON messages over a local socket, one per line. */
import type { Socket } from 'node:net';

export function onMessage(socket: Socket, listener: (message: unknown) => void): void {
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) listener(JSON.parse(line));
  });
}

export function send(socket: Socket, message: unknown): void {
  socket.write(`${JSON.stringify(message)}\n`);
}
