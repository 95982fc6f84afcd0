import { expect, test } from 'vitest';
import type { UpdateState } from '../../../src-main/protocol/app/updates.ts';
import { updateText } from './update-text.ts';

const idle: UpdateState = {
  unsupported: null,
  phase: 'idle',
  lastCheck: null,
  release: null,
  bytes: 0,
  problem: null,
};
const release = { version: '0.2.0', date: '2026-11-27', notes: 'Faster.', bytes: 100_000_000 };

test('says what happens with an update', () => {
  expect(updateText(idle)).toBe('Not checked yet.');
  const lastCheck = new Date(2026, 10, 27).toISOString();
  expect(updateText({ ...idle, lastCheck })).toBe('This is the latest version, as of 27 Nov 2026.');
  expect(updateText({ ...idle, phase: 'available', release })).toBe('Tokenscope 0.2.0 is available.');
  expect(updateText({ ...idle, phase: 'downloading', release, bytes: 50_000_000 })).toContain('0.2.0: 50');
  expect(updateText({ ...idle, phase: 'ready', release })).toContain('when you quit');
  expect(updateText({ ...idle, phase: 'failed', problem: 'No answer.' })).toBe('No answer.');
});
