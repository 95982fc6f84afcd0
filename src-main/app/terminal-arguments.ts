import { CLI_SWITCH } from '../protocol/app/start-switches.ts';

/**
 * The arguments of the command line tool: what follows `--` in `tokenscope --cli [CHROMIUM SWITCH]... -- ARGUMENT...`.
 * Chromium reads no switches after `--`.
 *
 * @param argv `process.argv`
 * @param start the switch of what gets them
 * @returns null if the app was started without that switch
 */
export function terminalArguments(argv: readonly string[], start: string = CLI_SWITCH): string[] | null {
  const end = argv.indexOf('--');
  const switches = end === -1 ? argv.slice(1) : argv.slice(1, end);
  if (!switches.includes(start)) return null;
  return end === -1 ? [] : argv.slice(end + 1);
}
