import { expect, it } from 'vitest';
import { defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { MODEL } from '../test-support/fakes.ts';
import { stopConditions } from './stop-conditions.ts';

it('counts what can stop a reply', () => {
  const stop = { ...defaultStopParams(), ignoreEos: true, stopStrings: [], repetitionWindow: 0, timeLimitMs: null };
  expect(stopConditions(stop, MODEL)).toBe(1);
  expect(stopConditions({ ...stop, ignoreEos: false, stopStrings: ['.'], timeLimitMs: 100 }, MODEL)).toBe(4);
  // Without a choice, the model decides.
  expect(stopConditions({ ...stop, repetitionWindow: null }, MODEL)).toBe(2);
  expect(stopConditions({ ...stop, repetitionWindow: null }, null)).toBe(1);
});
