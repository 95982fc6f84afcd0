import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { isValidSetting } from '../engine/check-value.ts';
import { STOP_SETTINGS } from '../engine/settings/generation.ts';
import { SAMPLING_SETTINGS } from '../engine/settings/sampling.ts';
import { defaultsOf, type Setting } from '../engine/settings/setting.ts';
import { schemasOf, storedSettings } from './setting-schemas.ts';

const TABLE = { ...SAMPLING_SETTINGS, ...STOP_SETTINGS };
const SCHEMAS: Readonly<Record<string, v.GenericSchema>> = schemasOf(TABLE);
const VOCABULARY = 2 ** 21;

/** Values at and just beyond every limit of a row. */
function atLimits(row: Setting): unknown[] {
  const long = (length: number) => 'x'.repeat(length);
  const many = <T>(count: number, entry: T) => Array.from({ length: count }, () => entry);
  switch (row.kind) {
    case 'number':
      return [row.min, row.max, row.min - 1, row.max + 1, row.min + 0.5, null, Number.NaN, Infinity, -Infinity, '1'];
    case 'choice':
      return [...row.values, 3, -1, 0.5, '1', null];
    case 'toggle':
      return [true, false, 1, null];
    case 'names':
      return [many(row.maxCount, row.values[0]), many(row.maxCount + 1, row.values[0]), ['magic'], [], null];
    case 'texts': {
      const texts = [long(row.maxLength), long(row.maxLength + 1), '', '\ud800', '\u{1f600}', 5].map((text) => [text]);
      return [many(row.maxCount, 'x'), many(row.maxCount + 1, 'x'), ...texts, [], 'x', null];
    }
    case 'token_biases': {
      const biases = [row.maxBias, -row.maxBias, 2 * row.maxBias, Number.NaN, '1'].map((bias) => [[0, bias]]);
      return [many(row.maxCount, [1, 1]), many(row.maxCount + 1, [1, 1]), ...biases, [[-1, 0]], [[0.5, 0]], [], null];
    }
    case 'text_biases': {
      const texts = [long(row.maxLength), long(row.maxLength + 1), '', '\udfff'].map((text) => [[text, 1]]);
      return [many(row.maxCount, ['x', 1]), many(row.maxCount + 1, ['x', 1]), ...texts, [['x', Infinity]], [], null];
    }
    case 'grammar': {
      const sources = [long(row.maxLength), long(row.maxLength + 1), '', 5].map((source) => ({ kind: 'gbnf', source }));
      return [...sources, { kind: 'regex', source: '' }, { kind: 'json_schema', source: '{}' }, null];
    }
  }
}

describe('schemas of settings', () => {
  it.each(Object.entries<Setting>(TABLE))('of %s accept exactly what the engine accepts', (key, row) => {
    for (const value of atLimits(row)) {
      const shown = JSON.stringify(value)?.slice(0, 60);
      expect([shown, v.is(SCHEMAS[key]!, value)]).toEqual([shown, isValidSetting(row, value, VOCABULARY)]);
    }
  });

  it('name what is allowed, and what was received', () => {
    const issues = v.safeParse(SCHEMAS.topP!, 7).issues?.map(({ message }) => message);
    expect(issues).toEqual(['Expected a number from 0 to 1 but received 7']);
  });
});

describe('storedSettings', () => {
  it('return what was stored', () => {
    const values = defaultsOf(TABLE);
    expect(storedSettings(TABLE, JSON.parse(JSON.stringify(values)))).toEqual(values);
    expect(storedSettings(TABLE, { topK: 7 })).toEqual({ topK: 7 });
  });

  it.each([undefined, null, 5, 'text', [], {}])('ignore %j', (value) => {
    expect(storedSettings(TABLE, value)).toEqual({});
  });

  it('clamp numbers to their range and drop other values', () => {
    const stored = { repeatPenalty: 0.001, topP: 1.5, temperature: 1e9, seed: -5, topK: 1.5, minP: Number.NaN };
    expect(storedSettings(TABLE, stored)).toEqual({ repeatPenalty: 0.01, topP: 1, temperature: 100, seed: 0 });
  });

  it('keep the valid texts, up to the maximum', () => {
    const stopStrings = ['', 'x'.repeat(10_000), 5, ...Array.from({ length: 100 }, (_, i) => `stop ${i}`)];
    const kept = storedSettings(TABLE, { stopStrings, bannedTexts: 'a' });
    expect(kept.stopStrings).toEqual(stopStrings.slice(3, 3 + STOP_SETTINGS.stopStrings.maxCount));
    expect(kept).not.toHaveProperty('bannedTexts');
  });

  it('keep a repeated text once', () => {
    expect(storedSettings(TABLE, { stopStrings: ['a', 'b', 'a'] })).toEqual({ stopStrings: ['a', 'b'] });
  });

  it('accept a list of names completely or not at all', () => {
    expect(storedSettings(TABLE, { samplers: ['magic', 'top_k'], mirostat: 3 })).toEqual({});
  });

  it.each(Object.entries<Setting>(TABLE))('of %s are always accepted by the engine', (key, row) => {
    for (const value of atLimits(row)) {
      const stored: Record<string, unknown> = storedSettings(TABLE, { [key]: value });
      if (key in stored) expect(isValidSetting(row, stored[key], VOCABULARY)).toBe(true);
    }
  });
});
