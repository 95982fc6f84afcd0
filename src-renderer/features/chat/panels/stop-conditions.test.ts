import { expect, it } from 'vitest';
import { defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { STOP_SETTINGS } from '../../../../src-main/engine/settings/generation.ts';
import { MODEL } from '../test-support/fakes.ts';
import { isUnlimited, limitText, stopConditions } from './stop-conditions.ts';

it('counts what can stop a reply', () => {
  const stop = { ...defaultStopParams(), ignoreEos: true, stopStrings: [], repetitionWindow: 0, timeLimitMs: null };
  expect(stopConditions(stop, MODEL)).toBe(1);
  expect(stopConditions({ ...stop, ignoreEos: false, stopStrings: ['.'], timeLimitMs: 100 }, MODEL)).toBe(4);
  // Without a choice, the model decides.
  expect(stopConditions({ ...stop, repetitionWindow: null }, MODEL)).toBe(2);
  expect(stopConditions({ ...stop, repetitionWindow: null }, null)).toBe(1);
  expect(stopConditions({ ...stop, maxTokens: STOP_SETTINGS.maxTokens.max }, MODEL)).toBe(0);
});

it('takes the largest token limit for none', () => {
  expect(isUnlimited(STOP_SETTINGS.maxTokens.max)).toBe(true);
  expect(limitText(STOP_SETTINGS.maxTokens.max)).toBe('no limit');
  expect(isUnlimited(0)).toBe(false);
  expect(limitText(1)).toBe('1 token');
});
