/**
 * Entry of the packaged app: the command line tool after `--cli`, else the window. The tool must end before this module is
 * evaluated, because Electron then connects to a display, which a terminal may not have.
 */
import { terminalArguments } from './terminal-arguments.ts';

const args = terminalArguments(process.argv);
const entry = args === null ? './index.js' : './cli.js';
// The tool reads its arguments where Node has them.
if (args !== null) process.argv.splice(1, process.argv.length, entry, ...args);
// A URL, so that the bundler leaves the file, which has a bundle of its own, where it is.
await import(new URL(entry, import.meta.url).href);
// Electron's own exit does not look at the exit code.
if (args !== null) process.exit(Number(process.exitCode ?? 0));
