/** One download from the click to its end: retries after a lost connection, pauses, resumes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '../../../engine/api/errors.ts';
import type { Download, DownloadPhase, DownloadProblem } from '../../../protocol/app/downloads.ts';
import { withFileLock } from '../file-lock.ts';
import { diskFailure, DownloadFailure } from './download-failure.ts';
import type { PartFile } from './part-file.ts';
import { RateMeter } from './rate-meter.ts';
import { transfer, type Transferred, type TransferOptions, type Wanted } from './transfer.ts';

export interface JobOptions {
  wanted: Wanted;
  name: string;
  part: PartFile;
  transfer: Omit<TransferOptions, 'mayStartOver' | 'onPhase' | 'onBytes' | 'onTotal' | 'signal'>;
  /** Waits before each retry after an attempt that received nothing, ms. */
  retryMs: readonly number[];
  /** The snapshot changed; `now` when it should be shown at once. */
  onChange(now: boolean): void;
  /** The file is complete. @returns its id in the library */
  onDone(path: string, file: Transferred): Promise<string>;
}

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

  /** @param bytes from an earlier attempt */
  constructor(options: JobOptions, bytes = 0) {
    this.#options = options;
    this.#bytes = bytes;
    this.#totalBytes = options.wanted.bytes;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Path of the complete file. */
  get target(): string {
    return this.#options.part.target;
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

  /** Starts, resumes or retries; has no effect while it runs and when it is done. */
  start(): void {
    if (this.#running !== null || this.#phase === 'done') return;
    this.#stopping = new AbortController();
    this.#problem = null;
    this.#set('connecting');
    this.#running = this.#run(this.#stopping.signal).finally(() => (this.#running = null));
  }

  /** Stops and keeps the partial file. */
  async pause(): Promise<void> {
    this.#stopping.abort(new Error('paused'));
    await this.#running;
  }

  /** Stops and deletes the partial file, but not a complete one. @throws EngineError STORAGE */
  async cancel(): Promise<void> {
    await this.pause();
    const { part } = this.#options;
    if (this.#phase === 'done' || !(await part.exists())) return;
    try {
      await this.#locked(() => part.remove());
    } catch (error) {
      throw new EngineError('STORAGE', error instanceof Error ? error.message : String(error));
    }
  }

  /** Resolves when it is no longer running, whatever the outcome. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { part, onDone } = this.#options;
    try {
      const file = await this.#locked((lost) => this.#tryOften(AbortSignal.any([signal, lost])), signal);
      this.#modelId = await onDone(part.target, file);
      this.#sha256 = file.sha256;
      this.#problem = null;
      this.#set('done');
    } catch (error) {
      if (signal.aborted) return this.#set('paused');
      const failure = failureOf(error, part.target);
      this.#problem = failure.problem;
      this.#bytes = await part.bytes();
      this.#set('failed');
    }
  }

  /** @param work receives a signal that is aborted when another process took over, because this one was suspended */
  async #locked<T>(work: (lost: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { lockPath } = this.#options.part;
    const held: { lost: AbortSignal | null } = { lost: null };
    try {
      return await withFileLock(
        lockPath,
        (lock) => {
          held.lost = lock.lost;
          return work(lock.lost);
        },
        { waitMs: 0, ...(signal === undefined ? {} : { signal }) },
      );
    } catch (error) {
      const isBusy = held.lost === null ? error instanceof EngineError : held.lost.aborted;
      if (!isBusy) throw error;
      throw new DownloadFailure(
        'busy',
        `Another Tokenscope is already downloading this file. If that is not the case, delete ${lockPath} and try again.`,
      );
    }
  }

  /** Retries at once after an attempt that received bytes; waits longer and longer after those that received none. */
  async #tryOften(signal: AbortSignal): Promise<Transferred> {
    const { wanted, part, retryMs } = this.#options;
    const options = this.#transferOptions(signal);
    let hasReceived = false;
    for (let failures = 0; ;) {
      const before = this.#bytes;
      try {
        return await transfer(wanted, part, options);
      } catch (error) {
        signal.throwIfAborted();
        const isFurther = this.#bytes > before;
        hasReceived ||= isFurther;
        if (!(error instanceof DownloadFailure) || !error.mayPass(hasReceived)) throw error;
        failures = isFurther ? 0 : failures + 1;
        const wait = retryMs[failures];
        if (wait === undefined) throw error;
        this.#problem = error.problem;
        this.#set('connecting');
        await sleep(wait, undefined, { signal });
      }
    }
  }

  #transferOptions(signal: AbortSignal): TransferOptions {
    let hasStartedOver = false;
    return {
      ...this.#options.transfer,
      signal,
      mayStartOver: () => {
        const may = !hasStartedOver;
        hasStartedOver = true;
        return may;
      },
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

function failureOf(error: unknown, path: string): DownloadFailure {
  if (error instanceof DownloadFailure) return error;
  // The file is complete, but the list of models could not be saved.
  return error instanceof EngineError ? new DownloadFailure('disk', error.message) : diskFailure(error, path);
}
