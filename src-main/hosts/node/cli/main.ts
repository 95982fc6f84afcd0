/** The `tokenscope` command: entry of out/main/cli.js. */
import { fileURLToPath } from 'node:url';
import { dataFolder, measurementsPath } from '../../../services/data-folder.ts';
import { EXIT, type ExitCode } from './errors.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

const stopping = new AbortController();
/** Set when the answer can no longer be written, whatever the command says. */
let lostExitCode: ExitCode | null = null;

// A reader that hangs up, as `head` does, has what it wants: no error, and no reason to go on.
function onLost(error: NodeJS.ErrnoException): void {
  lostExitCode = error.code === 'EPIPE' ? EXIT.ok : EXIT.engineError;
  if (error.code !== 'EPIPE') process.stderr.write(`tokenscope: cannot write the output: ${error.message}\n`);
  stopping.abort();
}

/** What the next Ctrl-C does in place of ending the command. */
let instead: (() => void) | null = null;

// Ctrl-C asks for an orderly end, which prints what there is; a second one does not wait for it.
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
  // Without a reader of errors the answer still counts.
  err: new Output(process.stderr, () => undefined),
  isTerminal: process.stderr.isTTY,
  terminal: process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : undefined,
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
// A pipe that still waits for input would keep the process alive.
process.stdin.destroy();
