import type { Intervention } from '../../../../src-main/engine/api/inside-types.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import { Answers } from './answers.svelte.ts';

/** A change and its name. */
export interface RunChange {
  intervention: Intervention;
  name: string;
}

/** Changes to a run, and the run with them. */
export class WhatIfRun {
  changes = $state.raw<readonly RunChange[]>([]);
  temperature = $state(1);
  /** Of the changed run; null without changes. */
  answers = $state.raw<Answers | null>(null);
  readonly #engine: Pick<EngineState, 'ready'>;
  /** The unmodified run. */
  #unmodified: Answers | null = null;

  constructor(engine: Pick<EngineState, 'ready'>) {
    this.#engine = engine;
  }

  /**
   * Adds a change, in place of one to the same part.
   * @param of the run that it is meant for: not added if another one took its place meanwhile
   */
  add(change: RunChange, of: Answers | null = this.#unmodified): void {
    if (of !== this.#unmodified) return;
    const key = partOf(change.intervention);
    this.#set([...this.changes.filter(({ intervention }) => partOf(intervention) !== key), change]);
  }

  remove(change: RunChange): void {
    this.#set(this.changes.filter((other) => other !== change));
  }

  /** Another run takes the place of the unmodified one: nothing is changed. */
  reset(unmodified: Answers | null): void {
    this.#unmodified = unmodified;
    this.temperature = 1;
    this.#set([]);
  }

  #set(changes: readonly RunChange[]): void {
    this.answers?.close();
    this.changes = changes;
    const interventions = changes.map(({ intervention }) => intervention);
    const run = this.#unmodified;
    this.answers =
      changes.length === 0 || run === null
        ? null
        : new Answers(this.#engine, { ids: run.ids, interventions, modelId: run.modelId });
  }
}

/** The part that is changed. A token can be replaced once. */
function partOf(intervention: Intervention): string {
  return intervention.kind === 'token' ? `token ${intervention.index}` : JSON.stringify(intervention);
}
