/**
 * Entry of the packaged app: the command line tool after `--cli`, else the window. The tool must end before this module is
 * evaluated, because Electron then connects to a display, which a terminal may not have.
 */
import manifest from '../../package.json' with { type: 'json' };
import { dataFolder } from '../services/data-folder.ts';
import { beginTrial, readTrial } from '../services/updates/trial.ts';
import { terminalArguments } from './terminal-arguments.ts';

const WINDOW = './index.js';
/** Offers the version before this one. */
const ROLL_BACK = './roll-back.js';

const args = terminalArguments(process.argv);
if (args === null) await openWindow();
else {
  // The tool reads its arguments where Node has them.
  process.argv.splice(1, process.argv.length, './cli.js', ...args);
  await run('./cli.js');
  // Electron's own exit does not look at the exit code.
  process.exit(Number(process.exitCode ?? 0));
}

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

/** A URL, so that the bundler leaves the file, which has a bundle of its own, where it is. */
async function run(entry: string): Promise<void> {
  await import(new URL(entry, import.meta.url).href);
}
