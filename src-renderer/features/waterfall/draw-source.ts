import type { PreviewParams, SamplingParams } from '../../../src-main/engine/api/types.ts';

/** How to ask the engine for the draw of one token. */
export type DrawQuestion = Omit<PreviewParams, 'topCandidates'>;

/** A token of a reply. */
export interface WaterfallToken {
  readonly id: number;
  /** As shown. */
  readonly text: string;
}

/** A reply whose draws can be explained: of a chat, or of a lane. */
export interface DrawSource {
  /** Number of tokens. The draw that ended the reply counts if a token did. */
  readonly count: number;
  /** Of its latest run. */
  readonly sampling: SamplingParams;
  readonly seed: number;
  /** The model that generated it. Id empty if not recorded. */
  readonly model: { readonly id: string; readonly name: string };
  token(index: number): WaterfallToken;
  /** The text before a token: what was asked, and the reply so far. */
  before(index: number): { readonly prompt: string; readonly reply: string };
  /** Why a token cannot be explained, or null. */
  problem(index: number): string | null;
  /** What may make the explanation differ from what happened, or null. */
  caution(index: number): string | null;
  question(index: number): DrawQuestion;
}
