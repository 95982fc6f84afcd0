import { InvalidArgumentError } from 'commander';
import { describe, expect, it } from 'vitest';
import { collect, parseCount, parseIds, parseInteger, parseLogitBias, parseNumber, parseSeconds } from './values.ts';

describe('values of flags', () => {
  it.each<[(text: string) => unknown, string, unknown]>([
    [parseNumber, '0.7', 0.7],
    [parseNumber, '-.5', -0.5],
    [parseNumber, '1e3', 1000],
    [parseInteger, '-1', -1],
    [parseCount, '4294967295', 4294967295],
    [parseSeconds, '0.25', 0.25],
    [parseIds, '5, 17,42', [5, 17, 42]],
    [parseIds, '5', [5]],
    [parseLogitBias, '42=-1.5', [42, -1.5]],
  ])('%o reads %j', (parse, text, value) => {
    expect(parse(text)).toEqual(value);
  });

  it.each<[(text: string) => unknown, string]>([
    [parseNumber, 'NaN'],
    [parseNumber, 'Infinity'],
    [parseNumber, '1e999'],
    [parseNumber, ''],
    [parseNumber, '1,5'],
    [parseNumber, '0x10'],
    [parseInteger, '1.5'],
    [parseInteger, '1e300'],
    [parseCount, '-1'],
    [parseSeconds, '-0.1'],
    [parseIds, ''],
    [parseIds, '1,-2'],
    [parseIds, '1.5'],
    [parseIds, '99999999999'],
    [parseLogitBias, '42'],
    [parseLogitBias, '42=nan'],
    [parseLogitBias, 'a=1'],
    [parseLogitBias, '1=2=3'],
  ])('%o refuses %j', (parse, text) => {
    expect(() => parse(text)).toThrow(InvalidArgumentError);
  });

  it('collects repeated flags', () => {
    const add = collect(parseCount);
    expect(add('2', add('1', undefined))).toEqual([1, 2]);
  });
});
