/** Runs the command line tool in tests, on an empty data folder. `npm run build` comes first. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { measurementsPath } from '../../../services/data-folder.ts';
import { Output } from '../cli/output.ts';
import { runCli } from '../cli/program.ts';
import { BUILT_ENGINE_WORKER } from './built-engine-worker.ts';

const CLI = fileURLToPath(new URL('../../../../out/main/cli.js', import.meta.url));

const isFull = process.env.TOKENSCOPE_TEST_FULL === '1';

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export class CommandLine {
  readonly folder = mkdtempSync(join(tmpdir(), 'tokenscope-cli-'));

  /** Call it outside of tests: it sets the data folder up before them, and removes it after them. */
  constructor() {
    beforeAll(() => {
      if (!existsSync(CLI)) throw new Error(`${CLI} is missing. Run "npm run build" before this test.`);
      vi.stubEnv('TOKENSCOPE_DATA_DIR', this.folder);
    });
    afterAll(() => {
      vi.unstubAllEnvs();
      rmSync(this.folder, { recursive: true });
    });
  }

  /** Starts the built program. */
  start(args: readonly string[]): {
    child: ChildProcessWithoutNullStreams;
    output: { out: string; err: string };
    ended: Promise<Ended>;
  } {
    const env = { ...process.env, TOKENSCOPE_DATA_DIR: this.folder };
    const child = spawn(process.execPath, [CLI, ...args], { env });
    const output = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.err += text));
    child.stdin.on('error', () => undefined); // The tool may exit without reading all of it.
    const ended = new Promise<Ended>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ code, ...output }));
    });
    return { child, output, ended };
  }

  /** Runs the built program. */
  program(args: readonly string[], stdin: string | Uint8Array = ''): Promise<Ended> {
    const { child, ended } = this.start(args);
    child.stdin.end(stdin);
    return ended;
  }

  /**
   * The same command line in this process, because starting the program takes a fifth of a second.
   * @param columns width of the terminal, if the output is one
   */
  async inThisProcess(args: readonly string[], stdin: string | Uint8Array = '', columns?: number): Promise<Ended> {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const output = { out: '', err: '' };
    out.setEncoding('utf8').on('data', (text: string) => (output.out += text));
    err.setEncoding('utf8').on('data', (text: string) => (output.err += text));
    const code = await runCli(args, {
      stdin: new PassThrough().end(stdin),
      out: new Output(out, () => undefined),
      err: new Output(err, () => undefined),
      columns,
      signal: new AbortController().signal,
      workerUrl: BUILT_ENGINE_WORKER,
      modelsDir: fileURLToPath(new URL('../../../../resources/models', import.meta.url)),
      measurementsPath: measurementsPath(this.folder),
    });
    await Promise.all([finished(out.end()), finished(err.end())]);
    return { code, ...output };
  }

  /**
   * Runs the program in the full run, otherwise the same in this process. Selected tests always run the program, one for
   * every kind of input and end.
   */
  run(args: readonly string[], stdin: string | Uint8Array = ''): Promise<Ended> {
    return isFull ? this.program(args, stdin) : this.inThisProcess(args, stdin);
  }

  /** The output with `--json`, of a run without errors. */
  async json(args: readonly string[], stdin?: string, how: 'run' | 'program' = 'run'): Promise<unknown> {
    const { code, out, err } = await this[how]([...args, '--json'], stdin);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out);
  }
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
