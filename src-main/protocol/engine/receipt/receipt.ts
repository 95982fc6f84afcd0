/**
 * A receipt: everything that is needed to repeat a reply, as plain data that becomes a JSON file. docs/receipts.md
 * describes the format.
 */
import type { FileHash, GenerateParams, ModelInfo, RunConditions, Stop } from '../../../engine/api/types.ts';
import { sha256OfText } from '../../sha256.ts';
import { canonicalJson } from './canonical-json.ts';

export const RECEIPT_FORMAT = 'tokenscope-receipt';
export const RECEIPT_VERSION = 1;

export interface ReceiptModel extends Pick<ModelInfo, 'id' | 'name' | 'architecture'> {
  /** What it was read from, sorted by name. */
  files: FileHash[];
}

export type ReceiptRequest = Omit<GenerateParams, 'topCandidates'>;

export interface ReceiptReply {
  ids: number[];
  text: string;
  stop: Stop;
}

/** SHA-256 over the canonical JSON of each part, and of all parts together. */
export interface ReceiptDigests {
  parts: Record<string, string>;
  whole: string;
}

/** What of a receipt has a digest of its own. */
export interface ReceiptParts {
  /** When the reply was asked for, ISO 8601, UTC: what a template that writes the date was told, to the second. */
  requestedAt: string;
  model: ReceiptModel;
  conditions: RunConditions;
  /** With every value as it was resolved: the seed, the repetition window, the template. */
  request: ReceiptRequest;
  /** What the prompt became, BOS included. */
  promptIds: number[];
  reply: ReceiptReply;
}

export interface Receipt extends ReceiptParts {
  format: typeof RECEIPT_FORMAT;
  version: typeof RECEIPT_VERSION;
  digests: ReceiptDigests;
}

/** Of a list of ids. */
export function idsDigest(ids: readonly number[]): string {
  return sha256OfText(canonicalJson(ids));
}

/** Index of the first id that is not the same in both. */
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

/** A request with what was left open as it was resolved. @param seed of the reply's first event */
export function resolvedRequest(
  { topCandidates: _, ...request }: GenerateParams,
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
