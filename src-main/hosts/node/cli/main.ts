/** The `tokenscope` command: entry of out/main/cli.js. */
import { fileURLToPath } from 'node:url';
import { dataFolder, measurementsPath } from '../../../services/data-folder.ts';
import { EXIT, type ExitCode } from './errors.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

const stopping = new AbortController();
/** Exit code when the output can no longer be written. */
let lostExitCode: ExitCode | null = null;

// A reader that closes the pipe, such as `head`, has what it wants: stop without an error.
function onLost(error: NodeJS.ErrnoException): void {
  lostExitCode = error.code === 'EPIPE' ? EXIT.ok : EXIT.engineError;
  if (error.code !== 'EPIPE') process.stderr.write(`tokenscope: cannot write the output: ${error.message}\n`);
  stopping.abort();
}

/** What the next Ctrl-C does instead of ending the command. */
let instead: (() => void) | null = null;

// Ctrl-C requests an orderly end, which prints partial results; a second one exits at once.
process.on('SIGINT', () => {
  if (instead !== null) {
    const act = instead;
    instead = null;
    return act();
  }
  if (stopping.signal.aborted) process.exit(EXIT.interrupted);
  stopping.abort();
});

const exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  out: new Output(process.stdout, onLost),
  // If standard error is closed, the result still counts.
  err: new Output(process.stderr, () => undefined),
  isTerminal: process.stderr.isTTY,
  terminal: process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : undefined,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  signal: stopping.signal,
  onInterrupt(act) {
    instead = act;
    return () => {
      if (instead === act) instead = null;
    };
  },
  workerUrl: new URL('./engine-worker.js', import.meta.url),
  modelsDir: fileURLToPath(new URL('../../resources/models', import.meta.url)),
  measurementsPath: measurementsPath(dataFolder()),
});
process.exitCode = lostExitCode ?? exitCode;
// A pipe that waits for input would keep the process alive.
process.stdin.destroy();
