import { spawn } from 'node:child_process';
import { EngineError } from '../../../engine/api/errors.ts';

/**
 * Opens an address in the system's browser. No shell is involved, so nothing in the address can run.
 * @throws EngineError INTERNAL when the system has no program for it
 */
export async function openInBrowser(url: string): Promise<void> {
  const [command, args] = openerOf(process.platform, url);
  await new Promise<void>((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'ignore', detached: true });
    child.once('error', (error) => {
      reject(new EngineError('INTERNAL', `Could not open the browser (${error.message}). Open ${url} yourself.`));
    });
    child.once('spawn', () => {
      child.unref();
      resolve();
    });
  });
}

export function openerOf(platform: NodeJS.Platform, url: string): [command: string, args: string[]] {
  if (platform === 'darwin') return ['open', [url]];
  if (platform === 'win32') return ['rundll32', ['url.dll,FileProtocolHandler', url]];
  return ['xdg-open', [url]];
}
