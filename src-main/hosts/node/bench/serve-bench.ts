/** The side that is measured: a process that is asked over a local socket. */
import { connect, type Socket } from 'node:net';
import type { BenchRequest } from './bench-messages.ts';
import { onMessage } from './json-socket.ts';

/**
 * Connects to whoever measures, whose address is this program's first argument, and ends when they do.
 * @returns where answers are sent
 */
export function serveBench(listener: (request: BenchRequest) => void): Socket {
  const socket = connect(process.argv[2] ?? '');
  // Only a BenchSession writes here.
  onMessage(socket, (message) => listener(message as BenchRequest));
  socket.once('close', () => process.exit(0));
  socket.once('error', () => process.exit(1));
  return socket;
}
