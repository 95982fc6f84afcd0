/** All downloads: running ones, unfinished ones (also from an earlier start), and completed ones. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../../../engine/api/errors.ts';
import type { AppEvent } from '../../../protocol/app/app-services.ts';
import type { Download } from '../../../protocol/app/downloads.ts';
import type { NetworkLog } from '../../network-log.ts';
import { codeOf } from '../../json-file.ts';
import type { CatalogueModel } from '../catalogue.ts';
import { DownloadJob } from './download-job.ts';
import { PART_STATE_SUFFIX, PartFile, readPartState } from './part-file.ts';
import type { Transferred, TransferOptions } from './transfer.ts';

export interface DownloadTimes {
  /** Maximum time until a server begins to respond, ms. */
  answerMs: number;
  /** Maximum time without data, ms. */
  idleMs: number;
  /**
   * Waits before each retry after an attempt that received nothing, ms. The first one is also used after an attempt that
   * received something.
   */
  retryMs: readonly number[];
  /** Interval of progress events, ms. */
  eventMs: number;
}

export const DOWNLOAD_TIMES: DownloadTimes = {
  answerMs: 30_000,
  idleMs: 30_000,
  retryMs: [500, 500, 1000, 2000, 4000],
  eventMs: 250,
};

export interface DownloadManagerOptions {
  /** Folder for downloaded files. */
  folder(): Promise<string>;
  /** An entry of the catalogue; null for an unknown id. */
  find(catalogueId: string): Promise<CatalogueModel | null>;
  /** Current download address of an entry. */
  url(entry: CatalogueModel): Promise<string>;
  proxy(): string | null;
  log: NetworkLog;
  emit(event: Extract<AppEvent, { type: 'downloads' }>): void;
  /** Adds a complete file. @returns its id in the library */
  add(entry: CatalogueModel, path: string, file: Transferred): Promise<string>;
  times?: Partial<DownloadTimes>;
  /** Tests replace the computer's disk and certificates. */
  freeBytes?: TransferOptions['freeBytes'];
  ca?: string;
}

/** Far more partial files than anyone has. */
const MAX_LEFT = 200;

export class DownloadManager {
  readonly #options: DownloadManagerOptions;
  readonly #times: DownloadTimes;
  readonly #jobs = new Map<string, DownloadJob>();
  /** Earlier jobs of a download with a part in another folder, until it is done. */
  readonly #left = new Map<string, DownloadJob[]>();
  /** Jobs that are being set up, so that a second click finds the first one's. */
  readonly #starting = new Map<string, Promise<DownloadJob>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: DownloadManagerOptions) {
    this.#options = options;
    this.#times = { ...DOWNLOAD_TIMES, ...options.times };
  }

  async list(): Promise<Download[]> {
    await this.#findLeft();
    return this.#snapshots();
  }

  /** Only on a person's click. */
  async start(entry: CatalogueModel): Promise<Download> {
    const running = this.#jobs.get(entry.id);
    if (running?.isRunning) return running.snapshot();
    const job = await (this.#starting.get(entry.id) ?? this.#begin(entry));
    return job.snapshot();
  }

  /** Only on a person's click. @throws EngineError BAD_REQUEST */
  async resume(id: string): Promise<Download> {
    await this.#findLeft();
    const job = this.#require(id);
    if (job.snapshot().phase === 'done') return job.snapshot();
    const entry = await this.#options.find(id);
    if (entry === null) throw unknown(id);
    return await this.start(entry);
  }

  /** @throws EngineError BAD_REQUEST */
  async pause(id: string): Promise<Download> {
    const job = await this.#known(id);
    await job.pause();
    return job.snapshot();
  }

  /** @throws EngineError BAD_REQUEST, STORAGE */
  async cancel(id: string): Promise<void> {
    await this.#findLeft();
    const job = await this.#known(id);
    await job.cancel();
    await this.#dropLeft(id);
    if (this.#jobs.get(id) === job) this.#jobs.delete(id);
    this.#tell(true);
  }

  /** Resolves when a download is no longer running. @throws EngineError BAD_REQUEST */
  async settled(id: string): Promise<Download> {
    const job = this.#require(id);
    await job.settled();
    return job.snapshot();
  }

  /** Pauses everything, because the app quits. */
  async stop(): Promise<void> {
    // A failed set-up was reported to its own caller.
    await Promise.allSettled(this.#starting.values());
    await Promise.all([...this.#jobs.values()].map((job) => job.pause()));
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Sets up a job and starts it. The address, the folder and the proxy may have changed in the settings. */
  #begin(entry: CatalogueModel): Promise<DownloadJob> {
    const starting = this.#job(entry).then((job) => {
      const before = this.#jobs.get(entry.id);
      const earlier = [...(this.#left.get(entry.id) ?? []), ...(before === undefined ? [] : [before])];
      this.#left.set(
        entry.id,
        earlier.filter((one) => one.target !== job.target),
      );
      this.#jobs.set(entry.id, job);
      job.start();
      return job;
    });
    this.#starting.set(entry.id, starting);
    const end = (): void => void this.#starting.delete(entry.id);
    starting.then(end, end);
    return starting;
  }

  /** @throws EngineError BAD_REQUEST */
  async #known(id: string): Promise<DownloadJob> {
    return (await this.#starting.get(id)) ?? this.#require(id);
  }

  #require(id: string): DownloadJob {
    const job = this.#jobs.get(id);
    if (job === undefined) throw unknown(id);
    return job;
  }

  async #job(entry: CatalogueModel, folder?: string): Promise<DownloadJob> {
    const { log, freeBytes, ca } = this.#options;
    const part = new PartFile(folder ?? (await this.#options.folder()), entry.file);
    const options = {
      wanted: { catalogueId: entry.id, url: await this.#options.url(entry), bytes: entry.bytes, sha256: entry.sha256 },
      name: entry.name,
      part,
      transfer: {
        proxy: this.#options.proxy(),
        log,
        note: `Download of ${entry.name}, started by you.`,
        answerMs: this.#times.answerMs,
        idleMs: this.#times.idleMs,
        ...(freeBytes === undefined ? {} : { freeBytes }),
        ...(ca === undefined ? {} : { ca }),
      },
      retryMs: this.#times.retryMs,
      onChange: (now: boolean) => this.#tell(now),
      onDone: async (path: string, file: Transferred) => {
        const id = await this.#options.add(entry, path, file);
        // What remains takes disk space only. Another Tokenscope may be using it.
        await this.#dropLeft(entry.id).catch(() => undefined);
        return id;
      },
    };
    return new DownloadJob(options, await part.bytes());
  }

  /** Deletes parts in other folders. @throws EngineError STORAGE */
  async #dropLeft(id: string): Promise<void> {
    for (const left of this.#left.get(id) ?? []) await left.cancel();
    this.#left.delete(id);
  }

  /** Finds partial files of an earlier start. They resume only on request. */
  async #findLeft(): Promise<void> {
    const folder = await this.#options.folder();
    const names = await readdir(folder).catch((error: unknown) => {
      // An unreadable folder is reported when something is downloaded.
      return codeOf(error) === undefined ? Promise.reject(error as Error) : [];
    });
    for (const name of names.filter((one) => one.endsWith(PART_STATE_SUFFIX)).slice(0, MAX_LEFT)) {
      const state = await readPartState(join(folder, name));
      if (state === null || this.#jobs.has(state.catalogueId)) continue;
      const entry = await this.#options.find(state.catalogueId);
      if (entry === null || `${entry.file}${PART_STATE_SUFFIX}` !== name) continue;
      const job = await this.#job(entry, folder);
      // A click may have been faster, and its job must remain the one that is paused and cancelled.
      if (!this.#jobs.has(entry.id) && !this.#starting.has(entry.id)) this.#jobs.set(entry.id, job);
    }
  }

  #snapshots(): Download[] {
    return [...this.#jobs.values()].map((job) => job.snapshot());
  }

  #tell(now: boolean): void {
    if (now) {
      if (this.#timer !== null) clearTimeout(this.#timer);
      this.#timer = null;
      this.#options.emit({ type: 'downloads', downloads: this.#snapshots() });
      return;
    }
    this.#timer ??= setTimeout(() => this.#tell(true), this.#times.eventMs);
  }
}

function unknown(id: string): EngineError {
  return new EngineError('BAD_REQUEST', `There is no download "${id}".`, { download: id });
}
