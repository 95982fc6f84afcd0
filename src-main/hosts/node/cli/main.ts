/** The `tokenscope` command: entry of out/main/cli.js. */
import { fileURLToPath } from 'node:url';
import { EXIT } from './errors.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

const stopping = new AbortController();
let hungUp = false;

/** As `head` does once it has what it wants: no error, and no reason to go on. */
function onHungUp(): void {
  hungUp = true;
  stopping.abort();
}

// Ctrl-C asks for an orderly end, which prints what there is; a second one does not wait for it.
process.on('SIGINT', () => {
  if (stopping.signal.aborted) process.exit(EXIT.interrupted);
  stopping.abort();
});

const exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  out: new Output(process.stdout, onHungUp),
  err: new Output(process.stderr, onHungUp),
  signal: stopping.signal,
  workerUrl: new URL('./engine-worker.js', import.meta.url),
  modelsDir: fileURLToPath(new URL('../../resources/models', import.meta.url)),
});
process.exitCode = hungUp ? EXIT.ok : exitCode;
// A pipe that still waits for input would keep the process alive.
process.stdin.destroy();
