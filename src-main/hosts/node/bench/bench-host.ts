/**
 * The process that the bench measures in: Node, or Electron's utility process. Its first argument is the local socket
 * of whoever asks; it ends when that does. Its main thread only passes messages on, as the app's does.
 */
import { Worker } from 'node:worker_threads';
import type { BenchAnswer, BenchWorkerData } from './bench-messages.ts';
import { send } from './json-socket.ts';
import { describeMachine } from './machine.ts';
import { serveBench } from './serve-bench.ts';

// What Electron says of its processes, it says to their main thread.
const workerData: BenchWorkerData = { machine: describeMachine() };
const worker = new Worker(new URL('./bench-worker.js', import.meta.url), { workerData, name: 'bench' });
worker.on('message', (answer: BenchAnswer) => send(socket, answer));
worker.once('error', (error: Error) => {
  send(socket, { error: { code: 'INTERNAL', message: error.message, details: {} } } satisfies BenchAnswer);
  socket.end(() => process.exit(1));
});
const socket = serveBench((request) => worker.postMessage(request));
