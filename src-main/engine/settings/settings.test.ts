import { describe, expect, it } from 'vitest';
import { isValidSetting } from '../check-value.ts';
import { STOP_SETTINGS, TOP_CANDIDATES } from './generation.ts';
import { DEFAULT_SAMPLER_ORDER, FIRST_SAMPLER_ORDER, SAMPLING_SETTINGS } from './sampling.ts';
import { defaultsOf, inRange, integer, namedBy, rangeText, type Setting, type SettingTable } from './setting.ts';

const ROWS = Object.entries<Setting>({ ...SAMPLING_SETTINGS, ...STOP_SETTINGS });

describe('the settings tables', () => {
  it.each(ROWS)('have an allowed default of %s', (_, row) => {
    expect(isValidSetting(row, row.default, 8)).toBe(true);
  });

  it.each(['label', 'flag', 'gguf', 'hf'] as const)('have no duplicate %s', (column) => {
    const values = ROWS.flatMap(([, row]) => row[column] ?? []).map((value) => value.split(' <')[0]);
    expect(new Set(values).size).toBe(column === 'label' ? ROWS.length : values.length);
  });

  it('have aliases that are not flags', () => {
    const flags = ROWS.flatMap(([, { flag, aliases }]) => [flag?.split(' ')[0], ...(aliases ?? [])]);
    const given = flags.filter((flag) => flag !== undefined);
    expect(new Set(given).size).toBe(given.length);
  });

  it('have a flag for every setting but the grammar, which has four', () => {
    expect(ROWS.filter(([, { flag }]) => flag === undefined).map(([key]) => key)).toEqual(['grammar']);
  });

  it('have non-empty ranges', () => {
    const ranges = [...ROWS.flatMap(([, row]) => (row.kind === 'number' ? row : [])), TOP_CANDIDATES];
    for (const { min, max } of ranges) expect(max).toBeGreaterThan(min);
  });

  it('order the stages as llama.cpp does', () => {
    const order = ['penalties', 'dry', 'top_n_sigma', 'top_k', 'typical', 'top_p', 'min_p', 'xtc', 'temperature'];
    expect(DEFAULT_SAMPLER_ORDER.filter((name) => order.includes(name))).toEqual(order);
  });

  it('keep the stages of old settings', () => {
    expect(isValidSetting(SAMPLING_SETTINGS.samplers, FIRST_SAMPLER_ORDER, 8)).toBe(true);
  });
});

describe('defaultsOf', () => {
  it('copies lists for each caller', () => {
    const [one, other] = [defaultsOf(SAMPLING_SETTINGS), defaultsOf(SAMPLING_SETTINGS)];
    expect(one).toEqual(other);
    one.drySequenceBreakers.push('x');
    one.samplers.pop();
    one.logitBias.push([1, 1]);
    expect(defaultsOf(SAMPLING_SETTINGS)).toEqual(other);
  });
});

it('ranges refuse NaN, infinity, and fractions for integers', () => {
  const row = integer('', { default: 1, min: 0, max: 5 }, { label: '' });
  expect([0, 5, -1, 6, 1.5, Number.NaN, Number.POSITIVE_INFINITY].filter((value) => inRange(row, value))).toEqual([
    0, 5,
  ]);
  expect(rangeText(row)).toBe('a whole number from 0 to 5');
});

it('names are recognised in every spelling, and nothing else is', () => {
  const row = SAMPLING_SETTINGS.samplers;
  const written = ['typ_p', 'typical-p', 'typ', 'nucleus', ' top-n-sigma', 'temp', 'magic', 'toString', ''];
  expect(written.map((name) => namedBy(row, name))).toEqual([
    ...['typical', 'typical', 'typical', 'top_p', 'top_n_sigma', 'temperature'],
    ...[undefined, undefined, undefined],
  ]);
});

it('every kind of setting is checked', () => {
  const table: SettingTable = { ...SAMPLING_SETTINGS, ...STOP_SETTINGS };
  const bad: Record<Setting['kind'], unknown[]> = {
    number: [Number.NaN, '1', undefined],
    choice: [3, '1', undefined],
    toggle: [0, 'true', null],
    names: [['magic'], 'top_k', null],
    texts: [[''], ['\ud800'], [5], 'a', null],
    token_biases: [[[8, 0]], [[0]], [[0, Number.NaN]], [0], null],
    text_biases: [[['', 0]], [['a', Number.POSITIVE_INFINITY]], [['a']], null],
    grammar: [{ kind: 'regex', source: '' }, { kind: 'gbnf' }],
  };
  for (const [key, row] of Object.entries(table)) {
    for (const value of bad[row.kind]) expect([key, value, isValidSetting(row, value, 8)]).toEqual([key, value, false]);
  }
});
