import { grammarError } from '../source-position.ts';

/** Total work limit in schema parts read, merged or written: reached within a second. */
const MAX_WORK = 500_000;

/** Work budget of compiling a schema. The work of schemas that refer to each other can far exceed their size. */
export class SchemaBudget {
  private work = 0;

  constructor(private readonly source: string) {}

  /**
   * Must be called before the work is done. @param at position of the schema that needs it @throws EngineError GRAMMAR
   */
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
