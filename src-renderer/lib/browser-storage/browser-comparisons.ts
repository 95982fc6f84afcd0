/** Runs of Compare in the browser's database. */
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import type { AppEvent } from '../../../src-main/protocol/app/app-services.ts';
import type {
  ComparisonSummary,
  ComparisonWrite,
  ComparisonWritten,
  StoredComparison,
} from '../../../src-main/protocol/app/comparisons/comparison.ts';
import { copyOf, revisionAfter } from '../../../src-main/protocol/app/comparisons/revision.ts';
import { summaryOf } from '../../../src-main/protocol/app/comparisons/summary.ts';
import { newestFirst } from '../../../src-main/protocol/app/newest-first.ts';
import { isExpired } from '../../../src-main/protocol/app/recently-deleted.ts';
import { newId } from '../new-id.ts';
import type { Database } from './database.ts';

export class BrowserComparisons {
  readonly #database: Database;
  readonly #emit: (event: AppEvent) => void;

  constructor(database: Database, emit: (event: AppEvent) => void) {
    this.#database = database;
    this.#emit = emit;
  }

  /** Newest first. @throws EngineError STORAGE */
  async list(): Promise<ComparisonSummary[]> {
    const runs = await this.#database.run(['runs'], 'readonly', (tables) => tables.runs.all());
    const summaries = runs.flatMap(({ summary, deletedAt }) => (deletedAt === null ? [summary] : []));
    return newestFirst(summaries);
  }

  /** @throws EngineError STORAGE */
  async read(id: string): Promise<StoredComparison | null> {
    return await this.#database.run(['runs', 'runBodies'], 'readonly', async ({ runs, runBodies }) => {
      const run = await runs.get(id);
      return run?.deletedAt === null ? ((await runBodies.get(id)) ?? null) : null;
    });
  }

  /** @throws EngineError COMPARISON_NOT_FOUND if it was deleted, STORAGE; a failed write can be repeated unchanged */
  async write({ comparison, origin }: ComparisonWrite): Promise<ComparisonWritten> {
    const saved = await this.#database.run(['runs', 'runBodies'], 'readwrite', async ({ runs, runBodies }) => {
      const run = await runs.get(comparison.id);
      if (run !== undefined && run.deletedAt !== null) throw notFound(comparison.id);
      const stored = run === undefined ? null : { revision: run.summary.revision, origin: run.origin };
      const revision = revisionAfter(comparison, origin, stored);
      const body = revision === null ? copyOf(comparison, newId()) : { ...comparison, revision };
      await runBodies.put(body);
      await runs.put({ id: body.id, summary: summaryOf(body), origin, deletedAt: null });
      return body;
    });
    this.#emit({ type: 'comparison', id: saved.id, origin, summary: summaryOf(saved) });
    return { id: saved.id, revision: saved.revision };
  }

  /** Does nothing if it does not exist. @throws EngineError STORAGE */
  async delete(id: string): Promise<void> {
    const isThere = await this.#setDeleted(id, new Date().toISOString());
    if (isThere !== null) this.#emit({ type: 'comparison', id, origin: '', summary: null });
  }

  /** @throws EngineError COMPARISON_NOT_FOUND, STORAGE */
  async restore(id: string): Promise<void> {
    const summary = await this.#setDeleted(id, null);
    if (summary === null) throw notFound(id);
    this.#emit({ type: 'comparison', id, origin: '', summary });
  }

  /** Deletes for good what was deleted long ago. @throws EngineError STORAGE */
  async purge(now = Date.now()): Promise<void> {
    await this.#database.run(['runs', 'runBodies'], 'readwrite', async ({ runs, runBodies }) => {
      for (const { id, deletedAt } of await runs.all()) {
        if (deletedAt === null || !isExpired(Date.parse(deletedAt), now)) continue;
        await runs.delete(id);
        await runBodies.delete(id);
      }
    });
  }

  /** @returns null if there is no such run */
  async #setDeleted(id: string, deletedAt: string | null): Promise<ComparisonSummary | null> {
    return await this.#database.run(['runs'], 'readwrite', async ({ runs }) => {
      const run = await runs.get(id);
      if (run === undefined) return null;
      await runs.put({ ...run, deletedAt });
      return run.summary;
    });
  }
}

function notFound(id: string): EngineError {
  return new EngineError('COMPARISON_NOT_FOUND', 'This run no longer exists. It was deleted here or in another tab.', {
    id,
  });
}
