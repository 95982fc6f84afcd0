/**
 * Entry of the packaged app: the command line tool after `--cli`, else the window. The tool must end before this module is
 * evaluated, because Electron then connects to a display, which a terminal may not have.
 */
import manifest from '../../package.json' with { type: 'json' };
import { dataFolder } from '../services/data-folder.ts';
import { beginTrial } from '../services/updates/trial.ts';
import { terminalArguments } from './terminal-arguments.ts';

const args = terminalArguments(process.argv);
const entry = args === null ? windowEntry() : './cli.js';
// The tool reads its arguments where Node has them.
if (args !== null) process.argv.splice(1, process.argv.length, entry, ...args);
// A URL, so that the bundler leaves the file, which has a bundle of its own, where it is.
await import(new URL(entry, import.meta.url).href);
// Electron's own exit does not look at the exit code.
if (args !== null) process.exit(Number(process.exitCode ?? 0));

/** The app, or a question if an update to this version has not started once. */
function windowEntry(): string {
  return beginTrial(dataFolder(), manifest.version) === null ? './index.js' : './roll-back.js';
}
