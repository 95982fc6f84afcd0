import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type {
  ComparisonNews,
  ComparisonSummary,
  StoredComparison,
} from '../../../../src-main/protocol/app/comparisons/comparison.ts';
import { summaryOf } from '../../../../src-main/protocol/app/comparisons/summary.ts';
import { newestFirst } from '../../../../src-main/protocol/app/newest-first.ts';
import { votesPerSetting } from '../../../../src-main/protocol/app/comparisons/votes.ts';
import { newId } from '../../../lib/new-id.ts';
import { LAST_CALL_BYTES, type PageServices } from '../../../lib/services.ts';
import { nowAfter } from '../../chat/state/identity.ts';

const RETRY_MS = 5000;

/** Requests other than writes. The error of one is cleared when the same request succeeds. */
type Request = 'list' | 'open' | 'rename' | 'delete';

/** A run that is not saved yet. */
interface Unsaved {
  comparison: StoredComparison;
  /** Why saving failed; null while it is under way. */
  problem: string | null;
  /** Another window deleted it; it is restored if this one still changes it. */
  isGone: boolean;
}

/** Stored runs of Compare. A run that cannot be saved stays in memory, and saving is retried until it succeeds. */
export class ComparisonsState {
  /** Newest first. */
  list = $state.raw<readonly ComparisonSummary[]>([]);
  /** Blind votes per setting over all runs. */
  readonly votes = $derived(votesPerSetting(this.list));

  readonly #services: PageServices;
  readonly #retryMs: number;
  /** Identifies this page's writes. */
  readonly #origin = newId();
  readonly #problems = new SvelteMap<Request, string>();
  readonly #unsaved = new SvelteMap<string, Unsaved>();
  /** Revisions that this page has read or written. */
  readonly #revisions = new SvelteMap<string, number>();
  /** The write of each run that is under way. */
  readonly #writing = new SvelteMap<string, Promise<string>>();
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(services: PageServices, retryMs = RETRY_MS) {
    this.#services = services;
    this.#retryMs = retryMs;
    services.onEvent((event) => {
      if (event.type === 'comparison') this.#hear(event);
      else if (event.type === 'host' && event.state === 'here') {
        void this.refresh();
        void this.flush();
      }
    });
  }

  /** Why the list could not be read, a run not be opened, and so on, or null. */
  get error(): string | null {
    for (const problem of this.#problems.values()) return problem;
    return null;
  }

  /** Runs that could not be saved, and why. */
  get unsaved(): readonly { id: string; problem: string }[] {
    return [...this.#unsaved].flatMap(([id, { problem }]) => (problem === null ? [] : [{ id, problem }]));
  }

  async refresh(): Promise<void> {
    await this.#try('list', async () => {
      const stored = await this.#services.invoke('comparisonsList');
      const own = [...this.#unsaved.values()].map(({ comparison }) => summaryOf(comparison));
      this.list = newestFirst([...own, ...stored.filter(({ id }) => !this.#unsaved.has(id))]);
    });
  }

  /** @returns null if it does not exist or cannot be read; see `error` */
  async read(id: string): Promise<StoredComparison | null> {
    const unsaved = this.#unsaved.get(id);
    if (unsaved !== undefined) return unsaved.comparison;
    return await this.#try('open', async () => {
      const stored = await this.#services.invoke('comparisonRead', id);
      if (stored === null) this.list = this.list.filter((run) => run.id !== id);
      else this.#revisions.set(id, stored.revision);
      return stored;
    });
  }

  /**
   * Saves a new or changed run; its `revision` is not used. Calls during a write are combined in the next one.
   * @returns its id once it was tried: a new one if another window had changed the run and this one was saved as a copy
   */
  async save(comparison: StoredComparison): Promise<string> {
    const { id } = comparison;
    const { problem = null, isGone = false } = this.#unsaved.get(id) ?? {};
    this.#unsaved.set(id, { comparison, problem, isGone });
    this.#note(summaryOf(comparison));
    return await this.#write(id);
  }

  /** Renames a stored run. Call `save` for the open one, so that both changes are not taken for a conflict. */
  async rename(id: string, title: string): Promise<void> {
    await this.#try('rename', async () => {
      const stored = this.#unsaved.get(id)?.comparison ?? (await this.#services.invoke('comparisonRead', id));
      if (stored === null) return;
      if (!this.#unsaved.has(id)) this.#revisions.set(id, stored.revision);
      await this.save({ ...stored, title, updatedAt: nowAfter(stored.updatedAt) });
    });
  }

  /** Deletes a run. @returns restores it; null if deleting failed */
  async remove(id: string): Promise<(() => Promise<void>) | null> {
    await this.#writing.get(id);
    const unsaved = this.#unsaved.get(id) ?? null;
    return await this.#try('delete', async () => {
      if (this.#revisions.has(id) || unsaved === null) await this.#services.invoke('comparisonDelete', id);
      this.#unsaved.delete(id);
      this.list = this.list.filter((run) => run.id !== id);
      return async () => {
        await this.#try('delete', async () => {
          if (this.#revisions.has(id) || unsaved === null) await this.#services.invoke('comparisonRestore', id);
          if (unsaved !== null) void this.save(unsaved.comparison);
          await this.refresh();
        });
      };
    });
  }

  /** Tries again to save a run, also one that was deleted meanwhile. */
  async retry(id: string): Promise<void> {
    if (this.#unsaved.has(id)) await this.#write(id);
  }

  /** Tries to save everything that is not saved. */
  async flush(): Promise<void> {
    const waiting = [...this.#unsaved].filter(([, { isGone }]) => !isGone);
    await Promise.all(waiting.map(([id]) => this.#write(id)));
  }

  /** The page is closing: sends unsaved runs without waiting, if they are small enough. */
  flushLast(): void {
    for (const [id, { comparison }] of this.#unsaved) {
      const write = { comparison: this.#based(comparison), origin: this.#origin };
      if (JSON.stringify(write).length > LAST_CALL_BYTES) continue;
      this.#services
        .invokeLast('comparisonWrite', write)
        .catch((error: unknown) => this.#failed(id, comparison, error));
    }
  }

  /** One write at a time, so that each is based on the one before. */
  async #write(id: string): Promise<string> {
    const before = this.#writing.get(id) ?? Promise.resolve(id);
    const writing: Promise<string> = before.then(async (current) => await this.#writeOnce(id, current));
    this.#writing.set(id, writing);
    try {
      return await writing;
    } finally {
      if (this.#writing.get(id) === writing) this.#writing.delete(id);
    }
  }

  /** @param current its id after the write before. Never rejects. */
  async #writeOnce(id: string, current: string): Promise<string> {
    const unsaved = this.#unsaved.get(id);
    // Combined with an earlier call.
    if (unsaved === undefined) return current;
    const { comparison, isGone } = unsaved;
    const write = { comparison: this.#based(comparison), origin: this.#origin };
    try {
      if (isGone) await this.#services.invoke('comparisonRestore', id);
      const written = await this.#services.invoke('comparisonWrite', write);
      this.#revisions.set(written.id, written.revision);
      if (this.#unsaved.get(id)?.comparison === comparison) this.#unsaved.delete(id);
      if (written.id === id) return id;
      // What was changed meanwhile belongs to the copy.
      const later = this.#unsaved.get(id);
      this.#unsaved.delete(id);
      this.#revisions.delete(id);
      if (later !== undefined) void this.save({ ...later.comparison, id: written.id });
      await this.refresh();
      return written.id;
    } catch (error) {
      this.#failed(id, comparison, error);
      return id;
    }
  }

  #based(comparison: StoredComparison): StoredComparison {
    return { ...comparison, revision: this.#revisions.get(comparison.id) ?? 0 };
  }

  #failed(id: string, comparison: StoredComparison, error: unknown): void {
    const { code, message } = EngineError.from(error);
    const isGone = code === 'COMPARISON_NOT_FOUND';
    this.#unsaved.set(id, { comparison: this.#unsaved.get(id)?.comparison ?? comparison, problem: message, isGone });
    // What is refused once would be refused again.
    if (isGone || code === 'BAD_REQUEST') return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.flush(), this.#retryMs);
  }

  #hear({ id, origin, summary }: ComparisonNews): void {
    if (origin === this.#origin) return;
    if (summary === null) this.list = this.list.filter((run) => run.id !== id);
    else if (!this.#unsaved.has(id)) this.#note(summary);
  }

  #note(summary: ComparisonSummary): void {
    this.list = newestFirst([summary, ...this.list.filter(({ id }) => id !== summary.id)]);
  }

  async #try<T>(request: Request, work: () => Promise<T>): Promise<T | null> {
    try {
      const result = await work();
      this.#problems.delete(request);
      return result;
    } catch (error) {
      this.#problems.set(request, EngineError.from(error).message);
      return null;
    }
  }
}
