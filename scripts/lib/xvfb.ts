import { spawn } from 'node:child_process';

export interface VirtualDisplay {
  /** Value for DISPLAY. */
  display: string;
  stop(): void;
}

/**
 * Starts an X server without a screen on a free display number.
 * @throws Error when Xvfb is not installed or does not start
 */
export function startVirtualDisplay(width = 1600, height = 1200): Promise<VirtualDisplay> {
  return new Promise((done, failed) => {
    const args = ['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp', '-noreset'];
    const server = spawn('Xvfb', args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
    let complaint = '';
    server.stderr?.on('data', (text: Buffer) => (complaint += text.toString()));
    server.once('error', () =>
      failed(new Error('Xvfb is not installed. Run "npx tsx scripts/system-packages.ts" to see how to install it.')),
    );
    server.once('exit', (code) => failed(new Error(`Xvfb exited with code ${code}: ${complaint.trim()}`)));
    server.stdio[3]?.once('data', (number: Buffer) => {
      const stop = () => {
        server.kill('SIGTERM');
      };
      process.once('exit', stop);
      server.unref();
      done({ display: `:${number.toString().trim()}`, stop });
    });
  });
}
