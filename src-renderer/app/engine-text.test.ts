import { expect, it } from 'vitest';
import { engineText } from './engine-text.ts';

const progress = (phase: 'header' | 'weights' | 'tokenizer' | 'shaders', bytesRead: number) =>
  ({ phase, bytesRead, totalBytes: 9_800_000 }) as const;

it('says what the engine does and how far it is', () => {
  expect(engineText({ status: 'starting', model: null, progress: null, responds: true })).toBe('Starting the engine');
  expect(engineText({ status: 'starting', model: null, progress: progress('header', 0), responds: true })).toBe(
    'Reading the file',
  );
  expect(
    engineText({ status: 'starting', model: null, progress: progress('weights', 4_100_000), responds: true }),
  ).toBe('Reading the file, 4.1 of 9.8\u00a0MB');
  expect(
    engineText({ status: 'starting', model: null, progress: progress('tokenizer', 9_800_000), responds: true }),
  ).toBe('Loading the tokenizer');
  expect(
    engineText({ status: 'starting', model: null, progress: progress('shaders', 9_800_000), responds: true }),
  ).toBe('Compiling shaders');
  expect(engineText({ status: 'ready', model: { loadMs: 213 }, progress: null, responds: true })).toBe(
    'Ready, loaded in 213\u00a0ms',
  );
  const ready = { status: 'ready', model: { loadMs: 213 }, progress: null, responds: true } as const;
  expect(engineText(ready, 'reading')).toBe('Processing the prompt');
  expect(engineText(ready, 'writing')).toBe('Generating');
  expect(engineText({ status: 'lost', model: { loadMs: 213 }, progress: null, responds: true })).toBe('Stopped');
});

it('counts in the unit of the whole, and says when there is no model', () => {
  const reading = (bytesRead: number, totalBytes: number) =>
    engineText({
      status: 'starting',
      model: null,
      progress: { phase: 'weights', bytesRead, totalBytes },
      responds: true,
    });
  expect(reading(41_400_000, 105_000_000)).toBe('Reading the file, 41 of 105\u00a0MB');
  expect(reading(0, 999_600_000)).toBe('Reading the file, 0.0 of 1.0\u00a0GB');
  expect(reading(1_500_000_000, 4_000_000_000)).toBe('Reading the file, 1.5 of 4.0\u00a0GB');
  expect(reading(10, 900_000)).toBe('Reading the file');
  expect(engineText({ status: 'empty', model: null, progress: null, responds: true })).toBe('No model loaded');
});

it('says that the engine hangs, whatever it was at', () => {
  const hangs = (status: 'starting' | 'ready') =>
    engineText({ status, model: { loadMs: 213 }, progress: null, responds: false });
  expect(hangs('ready')).toBe('Not responding');
  expect(hangs('starting')).toBe('Not responding');
});
