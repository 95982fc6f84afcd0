import { expect, it } from 'vitest';
import { defaultStopParams } from '../../../../src-main/engine/api/defaults.ts';
import { findLoop } from '../../../../src-main/engine/generation/repetition.ts';
import { STOP_SETTINGS } from '../../../../src-main/engine/settings/generation.ts';
import { MODEL } from '../test-support/fakes.ts';
import { isUnlimited, limitText, repetitionText, stopConditions } from './stop-conditions.ts';

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

it.each([
  [0, 'Off: replies may loop.'],
  [1, 'Stops when a token repeats, or when a longer loop has run three times.'],
  [
    10,
    'Stops when the last 10 tokens repeat the 10 before them, or when any other loop has run three times and fills the last 20 tokens.',
  ],
])('says when a repetition guard of %i tokens stops a reply', (window, text) => {
  expect(repetitionText(window)).toBe(text);
});

it('says of a short loop what the engine does', () => {
  const stops = (tokens: number) => findLoop(Array<number>(tokens).fill(7), 10) !== null;
  // One repeated token is no loop yet after three times.
  expect([3, 19, 20].map(stops)).toEqual([false, false, true]);
});
