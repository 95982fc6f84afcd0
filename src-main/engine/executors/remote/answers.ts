/** Which answers are possible. The other process is not trusted: an id beyond the vocabulary would be used as an index. */
import { ENGINE_ERROR_CODES, type ErrorPayload } from '../../api/errors.ts';
import type { RunProfile } from '../../api/types.ts';
import type { TapTensor } from '../executor.ts';
import type { BestOfRow, RowLogits, RunAnswer, RunParams } from './messages.ts';

/** Returns false or throws for anything else. */
export function isErrorPayload({ code, message, details }: ErrorPayload): boolean {
  return (
    ENGINE_ERROR_CODES.includes(code) && typeof message === 'string' && typeof details === 'object' && details !== null
  );
}

/**
 * Returns false or throws for anything else.
 * @param size of the vocabulary
 */
export function isRunAnswer({ logits, taps, profile }: RunAnswer, asked: RunParams, size: number): boolean {
  return (
    logits.length === asked.logits.length &&
    logits.every((row) => isRow(row, asked, size)) &&
    asked.taps.every((name) => isTensor(taps.get(name))) &&
    (profile === null || (asked.profile && isProfile(profile)))
  );
}

export function areFloats(values: Float32Array, length: number): boolean {
  return values instanceof Float32Array && values.length === length;
}

function isRow(row: RowLogits, { choose }: RunParams, size: number): boolean {
  return 'values' in row ? areFloats(row.values, size) : areBest(row, choose !== null, size);
}

function areBest({ ids, logits, sum, chosen }: BestOfRow, chooses: boolean, size: number): boolean {
  const isId = (id: number) => Number.isInteger(id) && id >= 0 && id < size;
  return (
    ids instanceof Int32Array &&
    ids.length < size &&
    ids.every(isId) &&
    areFloats(logits, ids.length) &&
    typeof sum === 'number' &&
    (chosen === null ? !chooses : isId(chosen))
  );
}

function isTensor(tensor: TapTensor | undefined): boolean {
  if (tensor === undefined) return false;
  const { shape, data } = tensor;
  const size = shape.reduce((product, length) => product * length, 1);
  return shape.every((length) => Number.isInteger(length) && length >= 0) && areFloats(data, size);
}

function isProfile({ tokens, threads, ms, ops }: RunProfile): boolean {
  const isAmount = (value: number) => Number.isFinite(value) && value >= 0;
  return (
    [tokens, threads ?? 0, ms].every(isAmount) &&
    ops.every(
      ({ name, calls, ms, waitMs, bytes, multiplyAdds }) =>
        typeof name === 'string' && [calls, ms, waitMs, bytes, multiplyAdds].every(isAmount),
    )
  );
}
