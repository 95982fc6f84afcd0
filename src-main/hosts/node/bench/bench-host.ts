/**
 * The benchmarked process: Node, Electron's utility process, or the packaged app without its window. Its first argument
 * is the caller's local socket; it exits when that closes. Its main thread only passes messages on, as in the app.
 */
import { Worker } from 'node:worker_threads';
import type { BenchAnswer, BenchWorkerData } from './bench-messages.ts';
import { send } from './json-socket.ts';
import { describeMachine } from './machine.ts';
import { serveBench } from './serve-bench.ts';

// Electron provides process information in their main thread only.
const workerData: BenchWorkerData = { machine: describeMachine() };
const worker = new Worker(new URL('./bench-worker.js', import.meta.url), { workerData, name: 'bench' });
worker.on('message', (answer: BenchAnswer) => send(socket, answer));
worker.once('error', (error: Error) => {
  send(socket, { error: { code: 'INTERNAL', message: error.message, details: {} } } satisfies BenchAnswer);
  socket.end(() => process.exit(1));
});
const socket = serveBench((request) => worker.postMessage(request));
