import type { ErrorPayload, ModelInfo } from './types.ts';

/** What a model's headers say, before any weight is read. */
export interface ModelDescription extends Readonly<
  Omit<ModelInfo, 'maskedTokenIds' | 'hasChatRoles' | 'executor' | 'kernels' | 'loadMs' | 'memoryBytes'>
> {
  readonly format: 'GGUF' | 'safetensors';
  /** Storage types of the tensors, largest total first. */
  readonly tensorTypes: readonly { readonly type: string; readonly tensors: number; readonly bytes: number }[];
  /** Kind of tokenizer, for example `gpt2, split as llama-bpe`; null when there is none, so that only ids can be used. */
  readonly tokenizer: string | null;
  readonly chatTemplate: string | null;
  /** Memory in bytes when loaded for 1024, 4096 and the maximum number of tokens. */
  readonly memory: readonly MemoryAt[];
  /** Addressable bytes of the executor; null if only this computer's memory limits it. */
  readonly memoryLimit: number | null;
  /** Why it cannot be loaded, for example an unsupported tensor type; null when it can. */
  readonly problem: ErrorPayload | null;
}

export interface MemoryAt {
  readonly contextSize: number;
  readonly weights: number;
  readonly kvCache: number;
  readonly scratch: number;
  readonly total: number;
}
