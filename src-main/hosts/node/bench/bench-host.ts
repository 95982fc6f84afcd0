/**
 * The process that the bench measures in: Node, or Electron's utility process. Its first argument is a BenchJob as JSON,
 * its standard output is BenchMessages as JSON, one a line.
 */
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { BenchJob, BenchMessage, BenchWorkerData } from './bench-job.ts';
import { describeMachine } from './machine.ts';

say({ type: 'started' });
const workerData: BenchWorkerData = { job: JSON.parse(process.argv[2] ?? '') as BenchJob, machine: describeMachine() };
const worker = new Worker(new URL('./bench-worker.js', import.meta.url), { workerData, name: 'bench' });
worker.once('message', (message: BenchMessage) => end(message, 0));
worker.once('error', (error: Error) => {
  end({ type: 'failed', error: { code: 'INTERNAL', message: error.message, details: {} } }, 1);
});

function end(message: BenchMessage, code: number): void {
  say(message);
  process.exit(code);
}

/** Written before it returns, because the process may end then. */
function say(message: BenchMessage): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}
