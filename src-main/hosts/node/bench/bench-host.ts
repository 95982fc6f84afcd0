/**
 * The process that the bench measures in: Node, or Electron's utility process. Its first argument is a BenchJob as JSON,
 * its standard output is one BenchMessage as JSON.
 */
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { BenchJob, BenchMessage } from './bench-job.ts';

const workerData = JSON.parse(process.argv[2] ?? '') as BenchJob;
const worker = new Worker(new URL('./bench-worker.js', import.meta.url), { workerData, name: 'bench' });
worker.once('message', (message: BenchMessage) => end(message, 0));
worker.once('error', (error: Error) => {
  end({ type: 'failed', error: { code: 'INTERNAL', message: error.message, details: {} } }, 1);
});

function end(message: BenchMessage, code: number): void {
  // All of it, before the process is gone.
  writeSync(1, `${JSON.stringify(message)}\n`);
  process.exit(code);
}
