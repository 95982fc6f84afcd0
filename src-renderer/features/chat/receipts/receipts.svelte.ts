import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { FileHash } from '../../../../src-main/engine/api/types.ts';
import { receiptText } from '../../../../src-main/protocol/engine/receipt/check-receipt.ts';
import {
  differencesOf,
  isOtherModel,
  type Difference,
} from '../../../../src-main/protocol/engine/receipt/differences.ts';
import { conditionsOf, idsDigest, makeReceipt } from '../../../../src-main/protocol/engine/receipt/receipt.ts';
import {
  promptIdsOf,
  repeatReply,
  type RepeatOutcome,
} from '../../../../src-main/protocol/engine/receipt/repeat-reply.ts';
import type { Connection } from '../../../lib/connection.svelte.ts';
import type { EngineState } from '../state/engine.svelte.ts';
import type { Reply } from '../state/reply.svelte.ts';
import type { StoredRun } from './recorded-reply.ts';

/** Finds what repeats a reply, or the reason, for people, why it cannot be repeated. */
export type FindRun = (reply: Reply) => StoredRun | string | Promise<StoredRun | string>;

/** A repetition, or why there is none. */
export type Repetition =
  | { readonly phase: 'running'; readonly tokens: number; readonly of: number }
  | {
      readonly phase: 'done';
      readonly outcome: RepeatOutcome;
      /** Recorded tokens. */
      readonly tokens: number;
      readonly differences: readonly Difference[];
    }
  | FailedTask;

interface FailedTask {
  readonly phase: 'failed';
  readonly problem: string;
  /** The differences that are the reason, if any. */
  readonly differences: readonly Difference[];
}

/** What the dialog shows. */
export type ReceiptTask =
  | { readonly kind: 'run_again'; readonly reply: Reply; readonly state: Repetition }
  | { readonly kind: 'save'; readonly reply: Reply; readonly state: FailedTask };

export const OTHER_PROMPT =
  'The same messages now give a different prompt. The context size, the time zone or the version of Tokenscope has changed.';

/** Repeats replies and saves their receipts. */
export class ReceiptsState {
  /** Null: the dialog is closed. */
  task = $state.raw<ReceiptTask | null>(null);
  #abort: AbortController | null = null;
  readonly #connection: Pick<Connection, 'saveText'>;
  readonly #engine: EngineState;
  readonly #versions: () => Promise<Record<string, string>>;
  readonly #session: { readonly hashing: Promise<void> };

  constructor(parts: {
    connection: Pick<Connection, 'saveText'>;
    engine: EngineState;
    /** See `RunConditions`. */
    versions: () => Promise<Record<string, string>>;
    /** See `ReplyRunner.hashing`. */
    session: { readonly hashing: Promise<void> };
  }) {
    this.#connection = parts.connection;
    this.#engine = parts.engine;
    this.#versions = parts.versions;
    this.#session = parts.session;
  }

  /** Repeats the latest run of a reply with its recorded settings, and compares. */
  async runAgain(find: FindRun, reply: Reply): Promise<void> {
    this.close();
    const abort = new AbortController();
    this.#abort = abort;
    const show = (state: Repetition) => {
      if (this.#abort === abort) this.task = { kind: 'run_again', reply, state };
    };
    show({ phase: 'running', tokens: 0, of: 0 });
    try {
      const run = await runOf(find, reply);
      const { length } = run.reply.ids;
      show({ phase: 'running', tokens: 0, of: length });
      const engine = await this.#engine.ready(abort.signal);
      const { differences, files } = await this.#compare(run, reply);
      if (isOtherModel(differences)) {
        show({ phase: 'failed', problem: this.#otherModel(reply), differences });
        return;
      }
      const outcome = await repeatReply(engine, run, {
        signal: abort.signal,
        onToken: (tokens) => show({ phase: 'running', tokens, of: Math.max(tokens, length) }),
      });
      const { run: recorded } = reply.facts;
      // The same reply is by the same files. Those of lanes that used another model for a while were not hashed.
      if (run.files === null && recorded && outcome.result === 'identical') reply.note({ run: { ...recorded, files } });
      show({ phase: 'done', outcome, tokens: length, differences });
    } catch (thrown) {
      show(failure(thrown));
    }
  }

  /** Stops a running repetition and closes the dialog. */
  close(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.task = null;
  }

  /**
   * Saves the receipt of a reply's latest run, as `tokenscope run --receipt` does. If it fails, the dialog shows why.
   * @returns whether it was saved
   */
  async save(find: FindRun, reply: Reply): Promise<boolean> {
    this.close();
    await this.#session.hashing;
    try {
      const run = await runOf(find, reply);
      const engine = await this.#engine.ready();
      const { differences } = await this.#compare(run, reply);
      if (isOtherModel(differences)) {
        this.task = { kind: 'save', reply, state: { phase: 'failed', problem: this.#otherModel(reply), differences } };
        return false;
      }
      const promptIds = await promptIdsOf(engine, run);
      if (idsDigest(promptIds) !== run.promptDigest) {
        this.task = { kind: 'save', reply, state: { phase: 'failed', problem: OTHER_PROMPT, differences } };
        return false;
      }
      return await this.#connection.saveText(fileName(run, reply), textOf(run, reply, promptIds));
    } catch (thrown) {
      this.task = { kind: 'save', reply, state: failure(thrown) };
      return false;
    }
  }

  /**
   * Compares a run with the loaded model. @returns also the files of that
   * @throws EngineError NO_MODEL, or why the loaded model's files cannot be hashed
   */
  async #compare(
    { files, conditions }: StoredRun,
    reply: Reply,
  ): Promise<{ differences: Difference[]; files: FileHash[] }> {
    const engine = await this.#engine.ready();
    const { model } = this.#engine;
    if (model === null || (files === null && model.id !== reply.facts.modelId)) {
      throw new EngineError('NO_MODEL', this.#otherModel(reply));
    }
    const now = {
      files: (await engine.call('hashModel', {})).files,
      conditions: conditionsOf(model, await this.#versions()),
    };
    return { differences: differencesOf({ files: files ?? now.files, conditions }, now), files: now.files };
  }

  #otherModel(reply: Reply): string {
    const { model } = this.#engine;
    if (model?.name === reply.model)
      return `The loaded ${model.name} is not the file that generated this reply. Load that file and try again.`;
    const loaded = model === null ? 'No model is loaded.' : `${model.name} is loaded now.`;
    return `This reply is by ${reply.model}. ${loaded} Load ${reply.model} and try again.`;
  }
}

/** @throws EngineError that says why the reply cannot be repeated */
async function runOf(find: FindRun, reply: Reply): Promise<StoredRun> {
  const run = await find(reply);
  if (typeof run === 'string') throw new EngineError('BAD_REQUEST', run);
  return run;
}

function failure(thrown: unknown): FailedTask {
  return { phase: 'failed', problem: EngineError.from(thrown).message, differences: [] };
}

/** @throws EngineError if the model's files were not hashed */
function textOf(run: StoredRun, reply: Reply, promptIds: number[]): string {
  const { files, architecture, conditions, request, requestedAt } = run;
  if (files === null) {
    const message =
      'The model’s files were not hashed after this reply. Verify the reply first. If it is identical, its receipt can be saved.';
    throw new EngineError('BAD_REQUEST', message);
  }
  const { modelId: id, model: name } = reply.facts;
  const model = { id, name, architecture, files };
  return receiptText(makeReceipt({ requestedAt, model, conditions, request, promptIds, reply: run.reply }));
}

/** Without characters that some systems forbid in file names. */
function fileName({ requestedAt }: StoredRun, reply: Reply): string {
  const title = `${reply.model} ${requestedAt}`.replaceAll(/[/\\:*?"<>|\p{Cc}]/gu, '-');
  return `${title.slice(0, 150)}.receipt.json`;
}
