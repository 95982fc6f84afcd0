import type { Program } from '../program/program.ts';
import type { WeightStore } from '../program/weights.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { ModelInfo } from '../api/types.ts';

/** All facts about a model that do not depend on where and how it runs. */
export type ModelConfig = Readonly<Omit<ModelInfo, 'executor' | 'kernels' | 'loadMs' | 'memoryBytes' | 'notices'>>;

/** A model in memory, ready for an executor. */
export interface Model {
  readonly id: string;
  readonly name: string;
  readonly config: ModelConfig;
  readonly program: Program;
  readonly weights: WeightStore;
  readonly tokenizer: Tokenizer;
  /** `bos_token` and `eos_token` for the chat template; empty when there is none. */
  readonly templateTokens: { readonly bos: string; readonly eos: string };
  /** How messages become one text without a template: with role names, or as one running text. */
  readonly withoutTemplate: 'plain' | 'running_text';
}
