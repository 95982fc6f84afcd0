import type { Intervention } from '../../../../src-main/engine/api/inside-types.ts';
import { Answers } from './answers.svelte.ts';
import type { InsideState } from './inside.svelte.ts';

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
  readonly #inside: InsideState;

  constructor(inside: InsideState) {
    this.#inside = inside;
  }

  /** Adds a change, in place of one to the same part. */
  add(change: RunChange): void {
    const key = partOf(change.intervention);
    this.#set([...this.changes.filter(({ intervention }) => partOf(intervention) !== key), change]);
  }

  remove(change: RunChange): void {
    this.#set(this.changes.filter((other) => other !== change));
  }

  close(): void {
    this.answers?.close();
    this.answers = null;
  }

  #set(changes: readonly RunChange[]): void {
    this.close();
    this.changes = changes;
    const { answers, engine } = this.#inside;
    if (answers === null || changes.length === 0) return;
    const interventions = changes.map(({ intervention }) => intervention);
    this.answers = new Answers(engine, { ids: answers.ids, interventions });
  }
}

/** The part that is changed. A token can be replaced once. */
function partOf(intervention: Intervention): string {
  return intervention.kind === 'token' ? `token ${intervention.index}` : JSON.stringify(intervention);
}
