/**
 * Entry of the packaged app: the command line tool after `--cli`, the process that `tokenscope bench` measures after
 * `--bench-host`, else the window. The first two end the process before this module has been evaluated: Electron would
 * then connect to a display, which a terminal may not have.
 */
import manifest from '../../package.json' with { type: 'json' };
import { BENCH_HOST_SWITCH } from '../protocol/app/start-switches.ts';
import { dataFolder } from '../services/data-folder.ts';
import { beginTrial, readTrial } from '../services/updates/trial.ts';
import { flushed } from './flushed.ts';
import { terminalArguments } from './terminal-arguments.ts';

const WINDOW = './index.js';
/** Offers the version before this one. */
const ROLL_BACK = './roll-back.js';

const toolArguments = terminalArguments(process.argv);
const benchArguments = terminalArguments(process.argv, BENCH_HOST_SWITCH);
if (toolArguments !== null) {
  await runWith('./cli.js', toolArguments);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // Electron's own exit does not look at the exit code.
  process.exit(Number(process.exitCode ?? 0));
} else if (benchArguments !== null) {
  await runWith('./bench-host.js', benchArguments);
  // It exits when its caller does.
  await new Promise<never>(() => undefined);
} else await openWindow();

/** The app, or a question if an update to this version has not started once. */
async function openWindow(): Promise<void> {
  const { version } = manifest;
  const folder = dataFolder();
  if (beginTrial(folder, version) !== null) return await run(ROLL_BACK);
  try {
    await run(WINDOW);
  } catch (error) {
    // Electron would show the error and keep running without a window.
    process.stderr.write(`tokenscope: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    if (readTrial(folder)?.version !== version) process.exit(1);
    await run(ROLL_BACK);
  }
}

/** Programs read their arguments where Node has them. */
async function runWith(entry: string, args: readonly string[]): Promise<void> {
  process.argv.splice(1, process.argv.length, entry, ...args);
  await run(entry);
}

/** A URL, so that the bundler leaves the file, which has a bundle of its own, where it is. */
async function run(entry: string): Promise<void> {
  await import(new URL(entry, import.meta.url).href);
}
