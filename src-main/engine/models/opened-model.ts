import type { Program } from '../program/program.ts';
import { PaddedTokenizer } from '../tokenizer/padded-tokenizer.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { buildProgram } from './architectures/index.ts';
import type { ModelSource } from './model-source.ts';
import type { Model, ModelConfig } from './model.ts';
import { reasoningMarksOf } from './reasoning-marks.ts';
import type { WeightSource } from './weight-source.ts';

/** A model of any kind whose headers were read, before its context size is chosen. */
export interface OpenedModel {
  /** `contextSize` is the maximum. */
  readonly config: Omit<ModelConfig, 'id' | 'parameters' | 'fileBytes'>;
  /** Builds the forward pass for a context of `contextSize` tokens. */
  buildProgram(contextSize: number): Program;
  readonly tokenizer: Tokenizer;
  readonly weights: WeightSource;
  readonly templateTokens: Model['templateTokens'];
  readonly withoutTemplate: Model['withoutTemplate'];
  /** Total size of the model's files. */
  readonly totalBytes: number;
  /** How much of it was read already. */
  readonly bytesRead: number;
  /** Closes the files. */
  close(): Promise<void>;
}

export function fromSource(source: ModelSource): OpenedModel {
  const { architecture, hyperparameters: hyper, tokenizer, chat, weights, totalBytes, bytesRead } = source;
  const padding = range(tokenizer.vocabularySize, hyper.vocabularySize);
  return {
    config: {
      name: source.name,
      architecture: architecture.name,
      layers: hyper.blockCount,
      hiddenSize: hyper.embeddingLength,
      heads: hyper.headCount,
      kvHeads: hyper.headCountKv,
      headDim: hyper.keyLength,
      feedForwardSize: hyper.feedForwardLength,
      vocabularySize: hyper.vocabularySize,
      contextSize: hyper.contextLength,
      bosTokenId: source.bosTokenId,
      eosTokenIds: [...source.eosTokenIds],
      // Padding rows of the token table.
      maskedTokenIds: [...source.maskedTokenIds, ...padding],
      hasChatRoles: chat.template !== null,
      defaultRepetitionWindow: architecture.usage.defaultRepetitionWindow,
      chatTemplate: chat.template,
      reasoningMarks: reasoningMarksOf(chat.template, tokenizer),
      samplingDefaults: chat.samplingDefaults,
    },
    buildProgram: (contextSize) => buildProgram(source, contextSize),
    tokenizer: padding.length > 0 ? new PaddedTokenizer(tokenizer, hyper.vocabularySize) : tokenizer,
    weights,
    templateTokens: { bos: chat.bosToken, eos: chat.eosToken },
    withoutTemplate: architecture.usage.withoutTemplate,
    totalBytes,
    bytesRead,
    close: () => source.close(),
  };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);
}
