import type { FileHash, GenerateStart, ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import type { Reply } from '../state/reply.svelte.ts';
import { runFacts, type AskedReply, type RunFacts } from './run-facts.ts';

/** The part of the engine's state that a recorder needs. */
export interface RecordedEngine {
  readonly model: ModelInfo | null;
  readonly status: string;
  ready(): Promise<EngineApi>;
}

/** Notes what it takes to repeat replies, of chats and of lanes. */
export class RunRecorder {
  /** See `RunConditions`. */
  readonly versions: () => Promise<Record<string, string>>;
  readonly #engine: RecordedEngine;
  /** Of models that generated replies. */
  readonly #files = new WeakMap<ModelInfo, FileHash[]>();

  constructor(parts: { engine: RecordedEngine; versions: () => Promise<Record<string, string>> }) {
    this.#engine = parts.engine;
    this.versions = parts.versions;
  }

  /** Notes the run of a reply that has started. @param factsOf of a chat, unless it is given */
  noteStart(reply: Reply, asked: AskedReply, start: GenerateStart, factsOf: RunFacts = runFacts): void {
    const { model } = this.#engine;
    const run = model === null ? null : factsOf(asked, start, model);
    if (model === null || run === null) return;
    reply.note({ run: { ...run, files: this.#files.get(model) ?? null } });
  }

  /**
   * Notes the files of replies of the loaded model. Call it after they have ended: a model's files are hashed after its
   * first replies, which takes a while.
   * @returns those that were noted
   */
  async noteFiles(replies: readonly Reply[]): Promise<Reply[]> {
    const { model } = this.#engine;
    if (model === null || this.#engine.status !== 'ready') return [];
    const lacking = replies.flatMap((reply) => {
      const { run, modelId } = reply.facts;
      return run && run.files === null && modelId === model.id ? [{ reply, run }] : [];
    });
    if (lacking.length === 0) return [];
    const files = await this.#hashes();
    if (files === null || this.#engine.model !== model) return [];
    this.#files.set(model, files);
    const same = lacking.filter(({ reply, run }) => reply.facts.run === run);
    for (const { reply, run } of same) reply.note({ run: { ...run, files } });
    return same.map(({ reply }) => reply);
  }

  /** Null if it fails. The error is not shown here: a receipt without hashes cannot be saved and says so. */
  async #hashes(): Promise<FileHash[] | null> {
    try {
      return (await (await this.#engine.ready()).call('hashModel', {})).files;
    } catch {
      return null;
    }
  }
}
