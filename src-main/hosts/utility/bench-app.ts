/**
 * Electron without a window, for the bench: starts the process that is measured just as the app starts the engine's.
 * Its last argument is what bench-host.ts takes.
 */
import { app, utilityProcess } from 'electron';
import { fileURLToPath } from 'node:url';

const address = process.argv.at(-1) ?? '';
// Nothing of this run is kept, and an open app is not disturbed.
app.commandLine.appendSwitch('disable-gpu');
void app.whenReady().then(() => {
  const script = fileURLToPath(new URL('./bench-host.js', import.meta.url));
  const host = utilityProcess.fork(script, [address], { serviceName: 'Tokenscope bench', stdio: 'inherit' });
  host.on('exit', (code) => app.exit(code));
});
