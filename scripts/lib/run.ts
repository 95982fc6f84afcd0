import { spawn, type SpawnOptions } from 'node:child_process';
import { resolve } from 'node:path';

/** The project's folder. */
export const root = resolve(import.meta.dirname, '..', '..');

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program and returns its output; a non-zero exit code is not an error. */
export function capture(command: string, args: string[], options: SpawnOptions = {}): Promise<Finished> {
  return new Promise((done, failed) => {
    const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', failed);
    child.once('close', (code) => done({ code: code ?? 1, stdout, stderr }));
  });
}

/** The npm that runs this script, so that its settings apply; else plain `npm`. */
export function npmCommand(args: string[]): { command: string; args: string[] } {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith('.js')) return { command: process.execPath, args: [cli, ...args] };
  return { command: process.platform === 'win32' ? 'npm.cmd' : 'npm', args };
}
