/**
 * Electron without a window, for the benchmark: starts the benchmarked process like the app starts the engine's. Its last
 * argument is passed to bench-host.ts.
 */
import { app, utilityProcess } from 'electron';
import { fileURLToPath } from 'node:url';

const address = process.argv.at(-1) ?? '';
// This run stores nothing and does not disturb an open app.
app.commandLine.appendSwitch('disable-gpu');
void app.whenReady().then(() => {
  const script = fileURLToPath(new URL('./bench-host.js', import.meta.url));
  const v8Flags = app.commandLine.getSwitchValue('js-flags');
  const host = utilityProcess.fork(script, [address], {
    serviceName: 'Tokenscope bench',
    stdio: 'inherit',
    ...(v8Flags === '' ? {} : { execArgv: [`--js-flags=${v8Flags}`] }),
  });
  host.on('exit', (code) => app.exit(code));
});
