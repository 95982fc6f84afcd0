/** First argument of the app that runs the command line tool instead of the window. */
const CLI_SWITCH = '--cli';

/**
 * The arguments of the command line tool: what follows `--` in `tokenscope --cli [CHROMIUM SWITCH]... -- ARGUMENT...`.
 * Chromium reads no switches after `--`.
 *
 * @param argv `process.argv`
 * @returns null if the app was started as an app
 */
export function terminalArguments(argv: readonly string[]): string[] | null {
  const end = argv.indexOf('--');
  const switches = end === -1 ? argv.slice(1) : argv.slice(1, end);
  if (!switches.includes(CLI_SWITCH)) return null;
  return end === -1 ? [] : argv.slice(end + 1);
}
