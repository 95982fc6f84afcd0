import type { InsideQuery, PositionsAnswer, RotaryAngles } from '../../../../src-main/engine/api/inside-types.ts';
import { dialPicture } from '../picture/dial-picture.ts';
import { gridPicture } from '../picture/grid-picture.ts';
import { formatNumber, type Picture } from '../picture/picture.ts';
import type { InsideToken } from './step-props.ts';
import { labelsOf, nameOf, windowAround, type TokenRange } from './token-window.ts';
import { vectorPicture } from './vectors.ts';

/** The positions around the selected token. The step and its header ask the same. */
export function positionsQuery(
  { layer, token }: { layer: number; token: number },
  count: number,
): Extract<InsideQuery, { kind: 'positions' }> {
  return { kind: 'positions', layer, ...windowAround(token, count) };
}

/** Whether layers may differ. All of them get the same rows of a position table. */
export function dependsOnLayer({ rows, rotary }: Pick<PositionsAnswer, 'rows' | 'rotary'>): boolean {
  return rows === null || rotary !== null;
}

/** Learned vectors, one per position. */
export function positionRowsPicture(
  { rows, hidden }: PositionsAnswer & { rows: Float32Array },
  tokens: readonly InsideToken[],
  range: TokenRange,
): Picture {
  return vectorPicture({
    ...{ title: 'Rows of the position table', fileName: 'positions', tokens, range, values: rows, width: hidden },
    formula: (token, dimension, value) =>
      `position[${token}, ${dimension}] = ${formatNumber(value)}, added to the embedding`,
  });
}

/** The dimensions that are turned together. */
export function pairOf({ pairing, frequencies }: RotaryAngles, pair: number): [number, number] {
  return pairing === 'interleaved' ? [2 * pair, 2 * pair + 1] : [pair, pair + frequencies.length];
}

/** Whether nothing is rotated, as in a run without positions. */
export function isStill({ frequencies }: RotaryAngles): boolean {
  return frequencies.every((frequency) => frequency === 0);
}

/** One dial for each pair of dimensions, turned as at one position. */
export function dialsPicture(rotary: RotaryAngles, position: number, from: number): Picture {
  const { frequencies, angles, magnitude } = rotary;
  const pairs = frequencies.length;
  const own = angles.subarray((position - from) * pairs, (position - from + 1) * pairs);
  return dialPicture({
    title: `Rotation at position ${position}`,
    fileName: `rotation-position-${position}`,
    angles: own,
    describe(pair) {
      const [first, second] = pairOf(rotary, pair);
      const scaled = magnitude === 1 ? '' : `, times ${formatNumber(magnitude)}`;
      return {
        name: `Pair ${pair}: dimensions ${first} and ${second}`,
        value: `${formatNumber(own[pair])} rad`,
        formula: `position × frequency = ${position} × ${formatNumber(frequencies[pair])} = ${formatNumber(own[pair])} rad${scaled}`,
      };
    },
    table: {
      columns: ['pair', 'first dimension', 'second dimension', 'frequency', 'angle'],
      rows: pairs,
      row: (pair) => [pair, ...pairOf(rotary, pair), frequencies[pair], own[pair]],
    },
  });
}

/** The cosine of every angle: fast pairs alternate, slow ones hardly change. */
export function anglesPicture(rotary: RotaryAngles, tokens: readonly InsideToken[], range: TokenRange): Picture {
  const { frequencies, angles } = rotary;
  const pairs = frequencies.length;
  return gridPicture({
    title: 'Cosines of the angles',
    fileName: 'rotations',
    origin: { row: range.from },
    rowLabels: labelsOf(tokens, range),
    columnLabels: [],
    columns: pairs,
    ...{
      signed: true,
      max: 1,
      cellWidth: Math.max(4, Math.min(14, Math.floor(640 / pairs))),
      cellHeight: 16,
      minCellWidth: 2,
    },
    value: (row, pair) => Math.cos(angles[row * pairs + pair]),
    describe(row, pair) {
      const angle = angles[row * pairs + pair];
      const position = range.from + row;
      return {
        name: `${nameOf(tokens, position)}, pair ${pair}`,
        value: formatNumber(Math.cos(angle)),
        formula: `cos(position × frequency) = cos(${position} × ${formatNumber(frequencies[pair])}) = ${formatNumber(Math.cos(angle))}`,
      };
    },
    table: {
      columns: ['token', 'piece', ...Array.from({ length: pairs }, (_, pair) => `angle of pair ${pair}`)],
      rows: range.to - range.from,
      row: (row) => [
        range.from + row,
        tokens[range.from + row].piece,
        ...angles.subarray(row * pairs, (row + 1) * pairs),
      ],
    },
  });
}

/**
 * The base of plain rotary embedding, where frequency i is base^(-i / pairs); null if the frequencies are scaled or do not
 * follow it.
 */
export function plainBase({ frequencies }: RotaryAngles): number | null {
  const pairs = frequencies.length;
  if (pairs < 2) return null;
  const base = (frequencies[0] / frequencies[1]) ** pairs;
  const isPlain = frequencies.every((frequency, pair) => Math.abs(frequency * base ** (pair / pairs) - 1) < 1e-3);
  return isPlain ? Math.round(base) : null;
}
