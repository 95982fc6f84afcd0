import type { ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { TokensAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import type { EngineState } from '../../chat/state/engine.svelte.ts';
import type { CompleteSettings } from '../../chat/state/model-settings.svelte.ts';
import type { DrawSource } from '../../waterfall/draw-source.ts';
import type { Answers } from '../state/answers.svelte.ts';
import type { StepId } from '../steps.ts';
import type { WhatIfRun } from '../state/what-if-run.svelte.ts';

export type InsideToken = TokensAnswer['tokens'][number];

/** What is selected of a run, and what it came from. */
export interface RunView {
  readonly engine: EngineState;
  /** Of replies in the chat. */
  readonly settings: Pick<CompleteSettings, 'sampling' | 'stop'>;
  /** From 0. */
  layer: number;
  head: number;
  /** The token that is looked at, from 0. */
  readonly token: number;
  selectToken(index: number): void;
  /** The token that the reply has next, if the run is from a reply. */
  readonly target: number | null;
  /** The draw of the token that was chosen in a chat. */
  readonly draw: { source: DrawSource; index: number } | null;
}

/** What every step gets. */
export interface StepProps {
  inside: RunView;
  answers: Answers;
  /** Of the run. */
  tokens: InsideToken[];
  model: ModelInfo;
  whatIf: WhatIfRun;
  /** Shows a step with the unmodified run and the changed one side by side. */
  onpair: (step: StepId) => void;
}
