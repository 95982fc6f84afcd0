/** One download from a person's click to its end: tries again when the connection breaks off, pauses, goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../../engine/errors.ts';
import type { Download, DownloadPhase, DownloadProblem } from '../../../protocol/app-services.ts';
import { withFileLock } from '../file-lock.ts';
import { diskFailure, DownloadFailure } from './download-failure.ts';
import type { PartFile } from './part-file.ts';
import { RateMeter } from './rate-meter.ts';
import { transfer, type TransferOptions, type Wanted } from './transfer.ts';

export interface JobOptions {
  wanted: Wanted;
  name: string;
  part: PartFile;
  transfer: Omit<TransferOptions, 'onPhase' | 'onBytes' | 'onTotal' | 'signal'>;
  /** Waits before the second, third, ... try that brought nothing, ms. */
  retryMs: readonly number[];
  /** Something of the snapshot changed; `now` when a person should see it at once. */
  onChange(now: boolean): void;
  /** The whole file is there. @returns its id in the library */
  onDone(path: string, sha256: string): Promise<string>;
}

/** A process that ended without giving its lock back is seen by its id; this is for disks shared by computers. */
const LOCK_STALE_MS = 24 * 3600 * 1000;

export class DownloadJob {
  readonly #options: JobOptions;
  #phase: DownloadPhase = 'paused';
  #bytes: number;
  #totalBytes: number | null;
  #problem: DownloadProblem | null = null;
  #modelId: string | null = null;
  #sha256: string | null = null;
  #meter = new RateMeter();
  #stopping = new AbortController();
  #running: Promise<void> | null = null;

  /** @param bytes that are there from before */
  constructor(options: JobOptions, bytes = 0) {
    this.#options = options;
    this.#bytes = bytes;
    this.#totalBytes = options.wanted.bytes;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  snapshot(): Download {
    const { wanted, name } = this.#options;
    const rate = this.#phase === 'downloading' ? this.#meter.rate(performance.now()) : null;
    const left = this.#totalBytes === null ? null : this.#totalBytes - this.#bytes;
    return {
      id: wanted.catalogueId,
      catalogueId: wanted.catalogueId,
      name,
      url: wanted.url,
      phase: this.#phase,
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
      rate,
      secondsLeft: rate === null || rate === 0 || left === null ? null : Math.ceil(left / rate),
      problem: this.#problem,
      modelId: this.#modelId,
      sha256: this.#sha256,
      hashChecked: this.#sha256 !== null && wanted.sha256 !== null,
    };
  }

  /** Begins, goes on, or tries again; does nothing while it runs and when it is done. */
  start(): void {
    if (this.#running !== null || this.#phase === 'done') return;
    this.#stopping = new AbortController();
    this.#problem = null;
    this.#set('connecting');
    this.#running = this.#run(this.#stopping.signal).finally(() => (this.#running = null));
  }

  /** Stops and keeps what there is. */
  async pause(): Promise<void> {
    this.#stopping.abort(new Error('paused'));
    await this.#running;
  }

  /** Stops and leaves nothing behind but a file that is whole. @throws EngineError STORAGE */
  async cancel(): Promise<void> {
    await this.pause();
    if (this.#phase === 'done') return;
    try {
      await this.#options.part.remove();
    } catch (error) {
      throw new EngineError('STORAGE', error instanceof Error ? error.message : String(error));
    }
  }

  /** Resolves when it runs no more, whatever became of it. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { part, onDone } = this.#options;
    try {
      const sha256 = await this.#locked(() => this.#tryOften(signal));
      this.#modelId = await onDone(part.target, sha256);
      this.#sha256 = sha256;
      this.#problem = null;
      this.#set('done');
    } catch (error) {
      if (signal.aborted) return this.#set('paused');
      const failure = error instanceof DownloadFailure ? error : diskFailure(error, part.target);
      this.#problem = failure.problem;
      this.#bytes = await part.bytes();
      this.#set('failed');
    }
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    let begun = false;
    try {
      return await withFileLock(
        this.#options.part.lockPath,
        () => {
          begun = true;
          return work();
        },
        { waitMs: 0, staleMs: LOCK_STALE_MS },
      );
    } catch (error) {
      if (begun || !(error instanceof EngineError)) throw error;
      const { lockPath } = this.#options.part;
      throw new DownloadFailure(
        'busy',
        `Another Tokenscope is downloading this file. If that is not so, delete ${lockPath} and try again.`,
      );
    }
  }

  /** A try that brought bytes is followed by the next at once; tries that bring none wait longer and longer. */
  async #tryOften(signal: AbortSignal): Promise<string> {
    const { wanted, part, retryMs } = this.#options;
    for (let failures = 0; ;) {
      const before = this.#bytes;
      try {
        return await transfer(wanted, part, this.#transferOptions(signal));
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DownloadFailure) || !error.mayPass) throw error;
        failures = this.#bytes > before ? 0 : failures + 1;
        const wait = retryMs[failures];
        if (wait === undefined) throw error;
        this.#problem = error.problem;
        this.#set('connecting');
        await sleep(wait, undefined, { signal });
      }
    }
  }

  #transferOptions(signal: AbortSignal): TransferOptions {
    return {
      ...this.#options.transfer,
      signal,
      onPhase: (phase) => this.#set(phase),
      onTotal: (totalBytes) => (this.#totalBytes = totalBytes),
      onBytes: (bytes, added) => {
        this.#bytes = bytes;
        if (added > 0) {
          this.#problem = null;
          this.#meter.add(added, performance.now());
        }
        this.#options.onChange(false);
      },
    };
  }

  #set(phase: DownloadPhase): void {
    if (phase !== this.#phase && phase === 'downloading') this.#meter = new RateMeter();
    this.#phase = phase;
    this.#options.onChange(true);
  }
}
