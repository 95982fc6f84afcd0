import type { ModelInfo } from '../../../../src-main/engine/api/types.ts';
import type { TokensAnswer } from '../../../../src-main/engine/api/inside-types.ts';
import type { Answers } from '../state/answers.svelte.ts';
import type { InsideState } from '../state/inside.svelte.ts';

export type InsideToken = TokensAnswer['tokens'][number];

/** What every step gets. */
export interface StepProps {
  inside: InsideState;
  answers: Answers;
  /** Of the run. */
  tokens: InsideToken[];
  model: ModelInfo;
}
