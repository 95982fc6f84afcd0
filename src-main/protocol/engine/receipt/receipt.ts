/** A receipt: a JSON file with everything it takes to repeat a reply. docs/receipts.md describes the format. */
import type { FileHash, GenerateParams, ModelInfo, RunConditions, Stop } from '../../../engine/api/types.ts';
import { sha256OfText } from '../../sha256.ts';
import { canonicalJson } from './canonical-json.ts';

export const RECEIPT_FORMAT = 'tokenscope-receipt';
export const RECEIPT_VERSION = 1;

export interface ReceiptModel extends Pick<ModelInfo, 'id' | 'name' | 'architecture'> {
  /** Sorted by name. */
  files: FileHash[];
}

export type ReceiptRequest = Omit<GenerateParams, 'topCandidates' | 'speculate' | 'storePrefixFor'>;

export interface ReceiptReply {
  ids: number[];
  text: string;
  stop: Stop;
}

/** SHA-256 of the canonical JSON of each part and of all parts together. */
export interface ReceiptDigests {
  parts: Record<string, string>;
  whole: string;
}

/** The parts that have digests. */
export interface ReceiptParts {
  /** ISO 8601, UTC. Also the current time for templates that write the date. */
  requestedAt: string;
  model: ReceiptModel;
  conditions: RunConditions;
  /** With resolved values, such as the seed, the repetition window and the template. */
  request: ReceiptRequest;
  /** The prompt's tokens, with BOS. */
  promptIds: number[];
  reply: ReceiptReply;
}

export interface Receipt extends ReceiptParts {
  format: typeof RECEIPT_FORMAT;
  version: typeof RECEIPT_VERSION;
  digests: ReceiptDigests;
}

/** SHA-256 of a list of token ids. */
export function idsDigest(ids: readonly number[]): string {
  return sha256OfText(canonicalJson(ids));
}

/** Index of the first id that differs. */
export function firstDifference(a: readonly number[], b: readonly number[]): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

export function makeReceipt(parts: ReceiptParts): Receipt {
  const { requestedAt, model, conditions, request, promptIds, reply } = parts;
  const ordered: ReceiptParts = { requestedAt, model, conditions, request, promptIds, reply };
  return { format: RECEIPT_FORMAT, version: RECEIPT_VERSION, ...ordered, digests: digestsOf({ ...ordered }) };
}

export function digestsOf(parts: Readonly<Record<string, unknown>>): ReceiptDigests {
  const entries = Object.entries(parts).map(([name, part]) => [name, sha256OfText(canonicalJson(part))] as const);
  return { parts: Object.fromEntries(entries), whole: sha256OfText(canonicalJson(parts)) };
}

/** A request with resolved values. @param seed from the reply's `start` event */
export function resolvedRequest(
  { topCandidates: _, speculate: __, storePrefixFor: ___, ...request }: GenerateParams,
  seed: number,
  { defaultRepetitionWindow }: Pick<ModelInfo, 'defaultRepetitionWindow'>,
): ReceiptRequest {
  const { prompt, stop } = request;
  return {
    ...request,
    prompt: prompt.kind === 'chat' ? { ...prompt, template: prompt.template ?? { kind: 'model' } } : prompt,
    sampling: { ...request.sampling, seed },
    stop: { ...stop, repetitionWindow: stop.repetitionWindow ?? defaultRepetitionWindow },
  };
}

export function conditionsOf(model: ModelInfo, versions: Record<string, string>): RunConditions {
  const { executor, contextSize, kernels } = model;
  if (kernels === null) return { executor, contextSize, kernels, versions };
  const { variant, revision, kvCacheType, threads, decodeThreads, sums } = kernels;
  return {
    executor,
    contextSize,
    kernels: { variant, revision, kvCacheType, threads, decodeThreads, sumBits: sums.bits },
    versions,
  };
}
