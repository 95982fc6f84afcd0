/** The caller's side of a benchmarked process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EngineError } from '../../../engine/api/errors.ts';
import type { BenchAnswer, BenchCaller, BenchCallName, BenchCalls } from './bench-messages.ts';
import { onMessage, send } from './json-socket.ts';

/** Maximum start time of a process, ms. A failing one may wait for an invisible dialog. */
const START_MS = 30_000;

/** A program that takes the address of a local socket as its last argument and answers BenchCalls on it. */
export interface BenchProgram {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export class BenchSession implements BenchCaller {
  private waiting: { resolve(answer: BenchAnswer): void; reject(error: Error): void } | null = null;
  private stderr = '';
  private socket: Socket | null = null;

  private constructor(
    private readonly child: ChildProcess,
    private readonly server: Server,
    private readonly folder: string,
  ) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    child.once('exit', () => this.waiting?.reject(this.lost()));
  }

  /**
   * @param signal kills the process
   * @throws EngineError BACKEND_LOST when it does not start
   */
  static async open(program: BenchProgram, signal?: AbortSignal): Promise<BenchSession> {
    const folder = await mkdtemp(join(tmpdir(), 'tokenscope-bench-'));
    const server = createServer();
    const address =
      process.platform === 'win32' ? `\\\\.\\pipe\\${folder.replace(/\W/g, '-')}` : join(folder, 'socket');
    server.listen(address);
    await once(server, 'listening');
    const child = spawn(program.command, [...program.args, address], {
      env: program.env,
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(signal ? { signal, killSignal: 'SIGKILL' } : {}),
    });
    const session = new BenchSession(child, server, folder);
    try {
      session.socket = await session.connected();
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  async call<N extends BenchCallName>(call: N, params: BenchCalls[N]['params']): Promise<BenchCalls[N]['result']> {
    const { socket } = this;
    if (socket === null || this.child.exitCode !== null) throw this.lost();
    const answer = await new Promise<BenchAnswer>((resolve, reject) => {
      this.waiting = { resolve, reject };
      send(socket, { call, params });
    });
    this.waiting = null;
    if ('error' in answer) throw new EngineError(answer.error.code, answer.error.message, answer.error.details);
    return answer.result as BenchCalls[N]['result'];
  }

  async close(): Promise<void> {
    this.socket?.end();
    this.server.close();
    if (this.child.exitCode === null && this.child.signalCode === null && this.child.pid !== undefined) {
      const slow = setTimeout(() => this.child.kill('SIGKILL'), this.socket ? START_MS : 0);
      await once(this.child, 'exit');
      clearTimeout(slow);
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private connected(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const slow = setTimeout(() => reject(this.lost()), START_MS);
      const settle = (done: () => void) => {
        clearTimeout(slow);
        done();
      };
      this.server.once('connection', (socket) => {
        onMessage(socket, (message) => this.waiting?.resolve(message as BenchAnswer));
        // The process's exit event reports how it ended.
        socket.on('error', () => undefined);
        settle(() => resolve(socket));
      });
      this.child.once('error', (error) => settle(() => reject(error)));
      this.child.once('exit', () => settle(() => reject(this.lost())));
    });
  }

  private lost(): EngineError {
    const said = this.stderr.trim().split('\n').at(-1) ?? '';
    const { exitCode, signalCode } = this.child;
    const how = exitCode === null && signalCode === null ? 'did not respond' : `exited with ${signalCode ?? exitCode}`;
    return new EngineError('BACKEND_LOST', `The benchmark process ${how}. ${said}`.trim());
  }
}
