/**
 * The benchmarked process: Node, or Electron's utility process. Its first argument is the caller's local socket; it exits
 * when that closes. Its main thread only passes messages on, as in the app.
 */
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { BenchAnswer, BenchWorkerData } from './bench-messages.ts';
import { onMessage, send } from './json-socket.ts';
import { describeMachine } from './machine.ts';

const socket = connect(process.argv[2] ?? '');
// Electron provides process information in their main thread only.
const workerData: BenchWorkerData = { machine: describeMachine() };
const worker = new Worker(new URL('./bench-worker.js', import.meta.url), { workerData, name: 'bench' });
worker.on('message', (answer: BenchAnswer) => send(socket, answer));
worker.once('error', (error: Error) => {
  send(socket, { error: { code: 'INTERNAL', message: error.message, details: {} } } satisfies BenchAnswer);
  socket.end(() => process.exit(1));
});
onMessage(socket, (request) => worker.postMessage(request));
socket.once('close', () => process.exit(0));
socket.once('error', () => process.exit(1));
