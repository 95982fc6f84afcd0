import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { EngineError } from '../../engine/api/errors.ts';
import type { EmittedEvent } from '../../protocol/app/app-services.ts';
import type {
  ComparisonSummary,
  ComparisonWrite,
  ComparisonWritten,
  StoredComparison,
} from '../../protocol/app/comparisons/comparison.ts';
import { copyOf, revisionAfter } from '../../protocol/app/comparisons/revision.ts';
import { summaryOf } from '../../protocol/app/comparisons/summary.ts';
import { comparisonId } from '../../protocol/app/fields.ts';
import { newestFirst } from '../../protocol/app/newest-first.ts';
import { isExpired } from '../../protocol/app/recently-deleted.ts';
import { parseOrRefuse } from '../../protocol/fields.ts';
import { writeAtomically } from '../atomic-write.ts';
import { statusAt, statusAtSync } from '../chats/files.ts';
import { FolderStamp } from '../folder-stamp.ts';
import { FolderWatch } from '../folder-watch.ts';
import type { InstanceLock } from '../instance-lock.ts';
import { codeOf, exists, storageError } from '../json-file.ts';
import { encodeComparison, readComparison, readHeader, type HeaderRead } from './comparison-file.ts';

export interface ComparisonStoreOptions {
  dataFolder: string;
  /** Only the process that holds it deletes for good. */
  lock: Pick<InstanceLock, 'problem'>;
  emit: (event: EmittedEvent) => void;
  /** Replaces a file atomically. Tests let it fail. */
  save?: (path: string, bytes: Buffer) => Promise<void>;
  /** Interval of polling for changes that the system did not report, ms. */
  pollMs?: number;
  /** Whether to use the system's change notifications. */
  watch?: boolean;
}

const EXTENSION = '.jsonl';
const POLL_MS = 2000;

/** What is known about a file, until its stamp changes. */
interface Known {
  stamp: string;
  /** Null if the file cannot be read. */
  summary: ComparisonSummary | null;
}

/**
 * Stores runs of Compare, one file each (`comparisons/ID.jsonl`), which is replaced as a whole. Several processes may use
 * the folder at the same time. Files that cannot be read are reported and never changed.
 */
export class ComparisonStore {
  readonly #folder: string;
  readonly #deleted: string;
  readonly #lock: Pick<InstanceLock, 'problem'>;
  readonly #emit: (event: EmittedEvent) => void;
  readonly #save: (path: string, bytes: Buffer) => Promise<void>;
  readonly #watching: { pollMs: number; watch: boolean };
  readonly #known = new Map<string, Known>();
  readonly #reported = new Set<string>();
  #watch: FolderWatch<string> | null = null;
  readonly #stamps = new FolderStamp();
  /** Stamp of the folder at the latest scan; null if it must be scanned again. */
  #folderStamp: string | null = null;
  /** Whether there was a scan. Nobody needs news before. */
  #isScanned = false;
  /** All operations but reading, one after another. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor({
    dataFolder,
    lock,
    emit,
    save = writeAtomically,
    pollMs = POLL_MS,
    watch = true,
  }: ComparisonStoreOptions) {
    this.#folder = join(dataFolder, 'comparisons');
    this.#deleted = join(this.#folder, 'deleted');
    this.#lock = lock;
    this.#emit = emit;
    this.#save = save;
    this.#watching = { pollMs, watch };
  }

  start(): void {
    const changed = (id: string) => void this.#inBackground(async () => await this.#look(id));
    const poll = () => void this.#inBackground(async () => await this.#poll());
    this.#watch = new FolderWatch(this.#folder, idOfFile, changed, { poll, ...this.#watching });
    void this.#inBackground(async () => await this.#purge());
  }

  /** Waits for everything that was asked for. */
  async stop(): Promise<void> {
    this.#watch?.close();
    await this.#queue;
  }

  /** Newest first. @throws EngineError STORAGE */
  async list(): Promise<ComparisonSummary[]> {
    return await this.#alone('read', this.#folder, async () => {
      await this.#scan();
      const summaries = [...this.#known.values()].flatMap(({ summary }) => summary ?? []);
      return newestFirst(summaries);
    });
  }

  /** @returns null if it does not exist @throws EngineError STORAGE when it exists but cannot be read */
  async read(id: string): Promise<StoredComparison | null> {
    const path = this.#path(id);
    try {
      const comparison = await readComparison(path);
      return comparison === null ? null : { ...comparison, id };
    } catch (error) {
      throw error instanceof EngineError ? error : storageError('read', path, error);
    }
  }

  /** @throws EngineError COMPARISON_NOT_FOUND if it was deleted, STORAGE; a failed write can be repeated unchanged */
  async write({ comparison, origin }: ComparisonWrite): Promise<ComparisonWritten> {
    const path = this.#path(comparison.id);
    return await this.#alone('write', path, async () => {
      // A late write must not restore it.
      if (await exists(this.#deletedPath(comparison.id))) throw notFound(comparison.id);
      const found = await readHeader(path);
      const revision = revisionFor(comparison, origin, found);
      const saved = revision === null ? copyOf(comparison, randomUUID()) : { ...comparison, revision };
      const target = this.#path(saved.id);
      await mkdir(this.#folder, { recursive: true });
      await this.#save(target, encodeComparison(saved, origin, target));
      this.#set(saved.id, { stamp: statusAtSync(target)?.stamp ?? '', summary: summaryOf(saved) }, origin);
      return { id: saved.id, revision: saved.revision };
    });
  }

  /** Does nothing if it does not exist. @throws EngineError STORAGE */
  async delete(id: string): Promise<void> {
    const path = this.#path(id);
    await this.#alone('delete', path, async () => {
      await mkdir(this.#deleted, { recursive: true });
      // Records when it was deleted. Before the move: an interrupted deletion must not look like one of long ago.
      const now = new Date();
      if (!(await wasThere(utimes(path, now, now)))) return;
      await wasThere(rename(path, this.#deletedPath(id)));
      await this.#look(id);
    });
  }

  /** @throws EngineError COMPARISON_NOT_FOUND, STORAGE */
  async restore(id: string): Promise<void> {
    const path = this.#path(id);
    await this.#alone('write', path, async () => {
      if (await exists(path)) return;
      if (!(await wasThere(rename(this.#deletedPath(id), path)))) throw notFound(id);
      await this.#look(id);
    });
  }

  #path(id: string): string {
    return join(this.#folder, `${parseOrRefuse(comparisonId, id, 'run id')}${EXTENSION}`);
  }

  #deletedPath(id: string): string {
    return join(this.#deleted, `${id}${EXTENSION}`);
  }

  async #poll(): Promise<void> {
    if (this.#isScanned && (await stampOf(this.#folder)) !== this.#folderStamp) await this.#scan();
  }

  /** Brings what is known in sync with the folder. */
  async #scan(): Promise<void> {
    const stamp = this.#stamps.lasting(await stampOf(this.#folder));
    const names = await readdir(this.#folder).catch((error: unknown): string[] => {
      if (codeOf(error) === 'ENOENT') return [];
      throw error;
    });
    const ids = names.flatMap((name) => idOfFile(name) ?? []);
    for (const id of new Set([...this.#known.keys(), ...ids])) await this.#look(id);
    this.#folderStamp = stamp;
    this.#isScanned = true;
  }

  /** Reads the header of a file that has changed. */
  async #look(id: string): Promise<void> {
    const path = this.#path(id);
    const stamp = statusAtSync(path)?.stamp ?? null;
    if (stamp === (this.#known.get(id)?.stamp ?? null)) return;
    const header: HeaderRead = stamp === null ? { state: 'missing' } : await readable(path);
    if (header.state === 'unusable') this.#report(header.message);
    if (stamp === null || header.state === 'missing') this.#set(id, null, '');
    else this.#set(id, { stamp, summary: header.state === 'read' ? { ...header.summary, id } : null }, '');
  }

  #set(id: string, known: Known | null, origin: string): void {
    const before = this.#known.get(id)?.summary ?? null;
    if (known === null) this.#known.delete(id);
    else this.#known.set(id, known);
    const summary = known?.summary ?? null;
    const isHeard = this.#isScanned || origin !== '';
    if (isHeard && (before !== null || summary !== null)) this.#emit({ type: 'comparison', id, origin, summary });
  }

  /** Deletes for good what was deleted long ago. */
  async #purge(): Promise<void> {
    if (this.#lock.problem !== null) return;
    const names = await readdir(this.#deleted).catch((): string[] => []);
    for (const name of names) {
      if (idOfFile(name) === null) continue;
      const path = join(this.#deleted, name);
      const { mtimeMs } = await stat(path);
      if (isExpired(mtimeMs)) await rm(path, { force: true });
    }
  }

  #report(message: string): void {
    if (this.#reported.has(message)) return;
    this.#reported.add(message);
    this.#emit({ type: 'notice', message });
  }

  /** For what nobody waits for: failures are reported once. */
  async #inBackground(work: () => Promise<void>): Promise<void> {
    await this.#alone('read', this.#folder, work).catch((error: unknown) => {
      this.#report(EngineError.from(error).message);
    });
  }

  async #alone<T>(action: 'read' | 'write' | 'delete', path: string, work: () => Promise<T>): Promise<T> {
    const run = this.#queue.then(async () => {
      try {
        return await work();
      } catch (error) {
        throw error instanceof EngineError ? error : storageError(action, path, error);
      }
    });
    this.#queue = run.catch(() => undefined);
    return await run;
  }
}

/** A file that cannot be read must not hide the others. */
async function readable(path: string): Promise<HeaderRead> {
  try {
    return await readHeader(path);
  } catch (error) {
    return { state: 'unusable', message: storageError('read', path, error).message };
  }
}

/** Changes when files are added, replaced or removed; empty if there is no such folder. */
async function stampOf(folder: string): Promise<string> {
  return await statusAt(folder).then(
    ({ stamp }) => stamp,
    () => '',
  );
}

function idOfFile(name: string): string | null {
  const id = name.endsWith(EXTENSION) ? name.slice(0, -EXTENSION.length) : '';
  return v.is(comparisonId, id) ? id : null;
}

/** A file that must be left alone is not replaced either. */
function revisionFor(comparison: StoredComparison, origin: string, found: HeaderRead): number | null {
  if (found.state === 'unusable') return null;
  const stored = found.state === 'missing' ? null : { revision: found.summary.revision, origin: found.origin };
  return revisionAfter(comparison, origin, stored);
}

function notFound(id: string): EngineError {
  return new EngineError(
    'COMPARISON_NOT_FOUND',
    'This run no longer exists. It was deleted here or in another window.',
    { id },
  );
}

/** @returns false if the file of this change does not exist. @throws the system's error */
async function wasThere(change: Promise<void>): Promise<boolean> {
  return await change.then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}
