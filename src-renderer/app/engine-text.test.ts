import { expect, it } from 'vitest';
import { engineText } from './engine-text.ts';

const progress = (phase: 'header' | 'weights' | 'tokenizer', bytesRead: number) =>
  ({ phase, bytesRead, totalBytes: 9_800_000 }) as const;

it('says what the engine does and how far it is', () => {
  expect(engineText({ status: 'starting', model: null, progress: null })).toBe('Starting the engine');
  expect(engineText({ status: 'starting', model: null, progress: progress('header', 0) })).toBe('Reading the model');
  expect(engineText({ status: 'starting', model: null, progress: progress('weights', 4_100_000) })).toBe(
    'Reading the model, 4.1 of 9.8 MB',
  );
  expect(engineText({ status: 'starting', model: null, progress: progress('tokenizer', 9_800_000) })).toBe(
    'Reading the vocabulary',
  );
  expect(engineText({ status: 'ready', model: { loadMs: 213 }, progress: null })).toBe('Ready, loaded in 213 ms');
  expect(engineText({ status: 'lost', model: { loadMs: 213 }, progress: null })).toBe('Stopped');
});
