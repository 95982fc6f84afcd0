/** The `tokenscope` command: entry of out/main/cli.js. */
import { fileURLToPath } from 'node:url';
import { dataFolder, measurementsPath } from '../../../services/data-folder.ts';
import { EarlyEnd } from './early-end.ts';
import { EXIT } from './errors.ts';
import { Output } from './output.ts';
import { runCli } from './program.ts';

const ending = new EarlyEnd(process, (code) => process.exit(code));
const out = new Output(process.stdout, (error) => {
  if (error.code !== 'EPIPE') process.stderr.write(`tokenscope: cannot write the output: ${error.message}\n`);
  ending.lost(error);
});
// If standard error is closed, the result still counts.
const err = new Output(process.stderr, () => undefined);

const exitCode = await runCli(process.argv.slice(2), {
  stdin: process.stdin,
  out,
  err,
  isTerminal: process.stderr.isTTY,
  terminal: process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : undefined,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  signal: ending.signal,
  onInterrupt: (act) => ending.onInterrupt(act),
  workerUrl: new URL('./engine-worker.js', import.meta.url),
  modelsDir: fileURLToPath(new URL('../../resources/models', import.meta.url)),
  measurementsPath: measurementsPath(dataFolder()),
});
// Only then is it known whether all of it could be written.
await out.flushed();
process.exitCode = ending.exitCode(exitCode);
if (exitCode === EXIT.interrupted) {
  await err.flushed();
  // What it was reading, perhaps from a slow disk, would keep the process alive.
  process.exit();
}
// A pipe that waits for input would keep the process alive.
process.stdin.destroy();
