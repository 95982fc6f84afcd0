import { grammarError } from '../source-position.ts';

/** Parts of schemas looked at, merged or written, in all: reached within a second. */
const MAX_WORK = 500_000;

/** What compiling a schema may still take. Schemas that refer to each other can be far more work than they are text. */
export class SchemaBudget {
  private work = 0;

  constructor(private readonly source: string) {}

  /** To be called before the work is done. @param at the place in the schema that it is for @throws EngineError GRAMMAR */
  spend(work: number, at: number): void {
    this.work += work;
    if (this.work <= MAX_WORK) return;
    throw grammarError(
      'This schema is too complex: its parts combine in too many ways. Use fewer references and combinations.',
      this.source,
      at,
    );
  }
}
