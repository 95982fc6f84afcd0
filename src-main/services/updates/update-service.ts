/** Updates that ask first: nothing is requested without a click or a person's consent, and nothing installed before the app quits. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../engine/api/errors.ts';
import type { UpdateState } from '../../protocol/app/updates.ts';
import { readJson, writeJson } from '../json-file.ts';
import { DownloadJob, type JobOptions } from '../models/download/download-job.ts';
import { DownloadFailure } from '../models/download/download-failure.ts';
import type { DownloadTimes } from '../models/download/download-manager.ts';
import { httpGet, partsOf } from '../models/download/http-get.ts';
import { PartFile } from '../models/download/part-file.ts';
import { sha256OfFile } from '../models/sha256-file.ts';
import type { NetworkLog } from '../network-log.ts';
import { bytesText } from '../numbers.ts';
import { applyUpdate, type ReadyUpdate } from './apply-update.ts';
import { fileNameFor, type Installation } from './installation.ts';
import {
  isLater,
  LIST_NAME,
  MAX_LIST,
  MAX_SIGNATURE,
  readSignedList,
  SIGNATURE_NAME,
  type ReleaseFile,
  type SignedRelease,
} from './signed-list.ts';

/** Where releases are, and who signs them. */
export interface UpdateSource {
  /** Address of a folder on any web server; https, or http on this computer. */
  address: string;
  /** Public key (ed25519), PEM. */
  key: string;
}

export interface UpdateOptions {
  dataFolder: string;
  currentVersion: string;
  platform: NodeJS.Platform;
  arch: string;
  installation: Installation;
  /** Null if this build has none. */
  source: UpdateSource | null;
  log: NetworkLog;
  proxy(): string | null;
  /** Whether a person wants weekly checks. */
  automatic(): boolean;
  times: DownloadTimes;
  emit(state: UpdateState): void;
}

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;
/** How often the app looks whether a week has passed, ms. */
const LOOK_MS = 60 * 60 * 1000;
/** Not while the app is starting, ms. */
const FIRST_LOOK_MS = 60_000;

/** The list of a release in Base64, because its exact bytes are signed, and its signature. */
const signedFiles = v.object({ list: v.string(), signature: v.string() });
type SignedFiles = v.InferOutput<typeof signedFiles>;

const stored = v.object({
  lastCheck: v.nullable(v.string()),
  /** Why the last update was not installed. */
  problem: v.nullable(v.string()),
  /** Of the newer version that the last check found. Added after the other fields. */
  offer: v.fallback(v.nullable(signedFiles), null),
});

export class UpdateService {
  readonly #options: UpdateOptions;
  readonly #folder: string;
  readonly #stopping = new AbortController();
  #phase: UpdateState['phase'] = 'idle';
  #lastCheck: string | null = null;
  #release: SignedRelease | null = null;
  #problem: string | null = null;
  #job: DownloadJob | null = null;
  /** Bytes of the offered version that an earlier start downloaded. */
  #earlierBytes = 0;
  #ready: ReadyUpdate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #telling: NodeJS.Timeout | null = null;

  constructor(options: UpdateOptions) {
    this.#options = options;
    this.#folder = join(options.dataFolder, 'updates');
  }

  get state(): UpdateState {
    const release = this.#release;
    const file = release === null ? null : this.#fileOf(release);
    return {
      unsupported: this.#unsupported,
      phase: this.#phase,
      lastCheck: this.#lastCheck,
      release:
        release === null || file === null
          ? null
          : { version: release.version, date: release.date, notes: release.notes, bytes: file.bytes },
      bytes: this.#job?.snapshot().bytes ?? this.#earlierBytes,
      problem: this.#problem,
    };
  }

  async start(): Promise<void> {
    if (this.#unsupported !== null) return;
    const read = await readJson(this.#statePath).catch(() => null);
    const parsed = read?.state === 'read' ? v.safeParse(stored, read.value) : null;
    if (parsed?.success) {
      this.#lastCheck = parsed.output.lastCheck;
      this.#problem = parsed.output.problem;
      this.#release = this.#offered(parsed.output.offer);
      this.#earlierBytes = await this.#bytesOfPart(this.#release);
      if (this.#release !== null) this.#phase = 'available';
      if (this.#problem !== null) this.#phase = 'failed';
    }
    await this.#deleteInstalled();
    this.#lookLater(FIRST_LOOK_MS);
  }

  /** Asks the server for a newer version. Only on a click, or with consent once a week. */
  async check(): Promise<UpdateState> {
    this.#require();
    if (this.#phase === 'checking' || this.#phase === 'downloading' || this.#phase === 'ready') return this.state;
    this.#set('checking');
    try {
      const files = await this.#signedFiles();
      const release = this.#newerRelease(files);
      this.#lastCheck = new Date().toISOString();
      await mkdir(this.#folder, { recursive: true });
      await this.#store(null, release === null ? null : files);
      if (release !== null) await this.#deleteOther(release);
      this.#earlierBytes = await this.#bytesOfPart(release);
      if (release?.version !== this.#release?.version) this.#job = null;
      this.#release = release;
      this.#set(release === null ? 'idle' : 'available');
    } catch (error) {
      this.#fail(error);
    }
    return this.state;
  }

  /** Downloads the offered version, or resumes its download. Only on a click. */
  download(): UpdateState {
    this.#require();
    const release = this.#release;
    const file = release === null ? null : this.#fileOf(release);
    if (release === null || file === null) {
      throw new EngineError('BAD_REQUEST', 'There is no update to download. Check for updates first.');
    }
    if (this.#phase !== 'available' && this.#phase !== 'failed') return this.state;
    void this.#download(release, file).catch((error: unknown) => this.#fail(error));
    return this.state;
  }

  /** Stops the download and keeps its part. */
  async pause(): Promise<UpdateState> {
    await this.#job?.pause();
    return this.state;
  }

  /** Stops checks and downloads. */
  async halt(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#stopping.abort(new Error('stopped'));
    await this.#job?.pause();
    if (this.#telling !== null) clearTimeout(this.#telling);
  }

  /**
   * Stops everything. The app quits, so a downloaded version is installed now.
   * @param restarts asked right before an installer starts: whether it starts the app again
   * @returns whether an installer replaces the app from now on
   */
  async stop(restarts = () => false): Promise<boolean> {
    await this.halt();
    const { installation, dataFolder, currentVersion } = this.#options;
    if (this.#ready === null || installation.kind === 'other') return false;
    try {
      return await applyUpdate(this.#ready, { dataFolder, currentVersion, installation, restarts });
    } catch (error) {
      // The old version is still in place, and says so at its next start.
      const why = error instanceof Error ? error.message : String(error);
      await this.#store(`The update was not installed: ${why}`);
      return false;
    }
  }

  get #statePath(): string {
    return join(this.#folder, 'state.json');
  }

  /** @param offer not with a problem: what was downloaded may be wrong, which only a check deletes */
  async #store(problem: string | null, offer: SignedFiles | null = null): Promise<void> {
    await writeJson(this.#statePath, { lastCheck: this.#lastCheck, problem, offer });
  }

  /** The version that was found before the start; null once it is installed, or if the stored files are not valid. */
  #offered(offer: SignedFiles | null): SignedRelease | null {
    try {
      return offer === null ? null : this.#newerRelease(offer);
    } catch {
      // The next check says why.
      return null;
    }
  }

  get #unsupported(): string | null {
    const { installation, source } = this.#options;
    if (installation.kind === 'other') return installation.reason;
    return source === null ? 'This build has no update server.' : null;
  }

  #require(): UpdateSource {
    const { source } = this.#options;
    if (this.#unsupported !== null || source === null) {
      throw new EngineError('BAD_REQUEST', this.#unsupported ?? 'This build has no update server.');
    }
    return source;
  }

  /** Of the latest release, from the server. */
  async #signedFiles(): Promise<SignedFiles> {
    const list = await this.#get(LIST_NAME, MAX_LIST);
    const signature = await this.#get(SIGNATURE_NAME, MAX_SIGNATURE);
    return { list: Buffer.from(list).toString('base64'), signature: new TextDecoder().decode(signature) };
  }

  /** @returns null if this version is the latest one @throws Error for people */
  #newerRelease({ list, signature }: SignedFiles): SignedRelease | null {
    const { key } = this.#require();
    const release = readSignedList(Buffer.from(list, 'base64'), signature, key);
    if (!isLater(release.version, this.#options.currentVersion)) return null;
    if (this.#fileOf(release) === null) {
      throw new Error(
        `Tokenscope ${release.version} is available, but not for this kind of installation. Download it from the project’s page.`,
      );
    }
    return release;
  }

  #fileOf(release: SignedRelease): ReleaseFile | null {
    const { installation, platform, arch } = this.#options;
    const name = fileNameFor(installation.kind, release.version, platform, arch);
    return release.files.find((file) => file.name === name) ?? null;
  }

  #url(name: string): string {
    return new URL(name, `${this.#require().address.replace(/\/+$/, '')}/`).href;
  }

  async #get(name: string, limit: number): Promise<Uint8Array> {
    const { log, proxy, times } = this.#options;
    const { answerMs, idleMs } = times;
    const { signal } = this.#stopping;
    const note = 'Update check.';
    const options = { headers: { 'user-agent': 'Tokenscope' }, proxy: proxy(), log, note, signal, answerMs };
    const answer = await httpGet(this.#url(name), options);
    try {
      if (answer.status !== 200)
        throw new Error(`The update server responded with ${answer.status} for ${name}. Try again later.`);
      const parts: Buffer[] = [];
      let bytes = 0;
      for await (const part of partsOf(answer, signal, idleMs)) {
        bytes += part.length;
        if (bytes > limit) throw new Error(`${name} on the update server is larger than ${bytesText(limit)}.`);
        parts.push(part);
        answer.logged.received(part.length);
      }
      answer.logged.end('done');
      return Buffer.concat(parts);
    } catch (error) {
      answer.body.destroy();
      const why = error instanceof Error ? error.message : String(error);
      answer.logged.end('failed', signal.aborted ? 'Cancelled.' : why);
      throw error;
    }
  }

  async #download(release: SignedRelease, file: ReleaseFile): Promise<void> {
    const { log, proxy, times } = this.#options;
    const { answerMs, idleMs, retryMs } = times;
    const part = new PartFile(this.#folder, file.name);
    const options: JobOptions = {
      wanted: { catalogueId: 'update', url: this.#url(file.name), bytes: file.bytes, sha256: file.sha256 },
      name: `Tokenscope ${release.version}`,
      part,
      transfer: { proxy: proxy(), log, note: `Download of Tokenscope ${release.version}.`, answerMs, idleMs },
      retryMs,
      onChange: (now) => this.#tell(now),
      onDone: (path) => {
        this.#ready = { version: release.version, file: path, sha256: file.sha256 };
        return Promise.resolve('update');
      },
    };
    const job = new DownloadJob(options, this.state.bytes);
    this.#job = job;
    this.#set('downloading');
    job.start();
    await job.settled();
    const { phase, problem } = job.snapshot();
    if (phase === 'done') return this.#set('ready');
    if (phase === 'paused') return this.#set('available');
    if (problem?.kind === 'hash') {
      throw new Error('The downloaded file is not the one that Tokenscope’s makers signed. It was deleted.');
    }
    throw problem === null
      ? new Error('The download failed.')
      : new DownloadFailure(problem.kind, problem.message, problem.httpStatus);
  }

  /** Size of the partial file of a version; 0 if its download cannot be resumed. */
  async #bytesOfPart(release: SignedRelease | null): Promise<number> {
    const file = release === null ? null : this.#fileOf(release);
    if (file === null) return 0;
    const bytes = await new PartFile(this.#folder, file.name).bytes();
    return bytes <= file.bytes ? bytes : 0;
  }

  /** Deletes a file of an earlier download that was changed, or signed again. It would be in the way. */
  async #deleteOther(release: SignedRelease): Promise<void> {
    const file = this.#fileOf(release);
    if (file === null) return;
    const path = join(this.#folder, file.name);
    const sha256 = await sha256OfFile(path).catch(() => null);
    if (sha256 !== null && sha256 !== file.sha256) await rm(path, { force: true });
  }

  /** Deletes what was downloaded of versions up to this one. */
  async #deleteInstalled(): Promise<void> {
    for (const name of await readdir(this.#folder).catch(() => [])) {
      const version = /^tokenscope-(\d+\.\d+\.\d+)-/.exec(name)?.[1];
      if (version === undefined || isLater(version, this.#options.currentVersion)) continue;
      // The installer may still be running. The next start tries again.
      await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
    }
  }

  #lookLater(ms: number): void {
    this.#timer = setTimeout(() => {
      const age = Date.now() - Date.parse(this.#lastCheck ?? '');
      // Also after a check in the future, when the clock was wrong.
      const isDue = !(age >= 0 && age < WEEK_MS);
      // A failure is shown in the settings, and tried again at the next look. An offered version, which is still offered
      // after a restart, may not be the latest any more.
      if (this.#options.automatic() && isDue) void this.check();
      this.#lookLater(LOOK_MS);
    }, ms);
    this.#timer.unref();
  }

  #set(phase: UpdateState['phase']): void {
    this.#phase = phase;
    if (phase !== 'failed') this.#problem = null;
    this.#tell(true);
  }

  /** @param now false for progress, which is reported a few times a second */
  #tell(now: boolean): void {
    if (!now) {
      this.#telling ??= setTimeout(() => this.#tell(true), this.#options.times.eventMs);
      return;
    }
    if (this.#telling !== null) clearTimeout(this.#telling);
    this.#telling = null;
    this.#options.emit(this.state);
  }

  #fail(error: unknown): void {
    this.#problem = this.#messageOf(error);
    this.#set('failed');
  }

  /** Some messages of downloads have advice about models. */
  #messageOf(error: unknown): string {
    const kind = error instanceof DownloadFailure ? error.kind : null;
    if (kind === 'dns') return 'The update server was not found. Is this computer online?';
    if (kind === 'timeout') return 'The update server did not respond in time. Check the connection and try again.';
    if (kind === 'disk') return `The update could not be saved in ${this.#folder}. Is it writable, and is there space?`;
    return error instanceof Error ? error.message : String(error);
  }
}
