/** Starts the app again when this process ends. */
import { app } from 'electron';
import { spawn } from 'node:child_process';
import { appImageOf } from '../services/updates/installation.ts';
import { argumentOf, type OpenRequest } from './open-requests.ts';

/** Call right before this process exits. @param requests what the next one opens; by default what this one was started with */
export function relaunch(requests?: readonly OpenRequest[]): void {
  const given = process.argv.slice(1);
  // Switches, and in development the app's folder.
  const kept = given.filter((arg, index) => arg.startsWith('-') || (process.defaultApp && index === 0));
  const args = requests === undefined ? given : [...kept, ...requests.map(argumentOf)];
  const appImage = appImageOf(process.execPath, process.env);
  if (appImage === null) return app.relaunch({ args });
  // Electron's helper would run from the mount, which ends with this process.
  app.releaseSingleInstanceLock();
  const started = spawn(appImage, args, { detached: true, stdio: 'ignore' });
  started.on('error', (error) => process.stderr.write(`tokenscope: ${error.message}\n`));
  started.unref();
}
