import type { ErrorPayload, ModelInfo } from './types.ts';

/** What can be told about a model from its headers, before any weight is read. */
export interface ModelDescription extends Readonly<
  Omit<ModelInfo, 'maskedTokenIds' | 'hasChatRoles' | 'executor' | 'kernels' | 'loadMs' | 'memoryBytes'>
> {
  readonly format: 'GGUF' | 'safetensors';
  /** How tensors are stored, the type with most bytes first. */
  readonly tensorTypes: readonly { readonly type: string; readonly tensors: number; readonly bytes: number }[];
  /** Kind of the tokenizer, for example `gpt2, split as llama-bpe`; null when there is none and only ids can be used. */
  readonly tokenizer: string | null;
  readonly chatTemplate: string | null;
  /** Bytes the model needs when it is loaded for 1024, 4096 and the largest number of tokens. */
  readonly memory: readonly MemoryAt[];
  /** Bytes that the executor can address at most; null: as many as this computer has. */
  readonly memoryLimit: number | null;
  /** Why it cannot be loaded all the same, for example the type of one tensor; null when it can. */
  readonly problem: ErrorPayload | null;
}

export interface MemoryAt {
  readonly contextSize: number;
  readonly weights: number;
  readonly kvCache: number;
  readonly scratch: number;
  readonly total: number;
}
