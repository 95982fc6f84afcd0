import { expect, it } from 'vitest';
import type { Download } from '../../../src-main/protocol/app/downloads.ts';
import { amountText, problemTitle, downloadText, shareOf } from './download-messages.ts';

const DOWNLOAD: Download = {
  id: 'tiny',
  catalogueId: 'tiny',
  name: 'Tiny',
  url: 'https://hub.example/tiny.gguf',
  phase: 'downloading',
  bytes: 168e6,
  totalBytes: 271e6,
  rate: 9.6e6,
  secondsLeft: 11,
  problem: null,
  modelId: null,
  sha256: null,
  hashChecked: false,
};

it('says how much of what is there, in the unit of the whole', () => {
  expect(amountText(168e6, 271e6)).toBe('168 of 271\u00a0MB');
  expect(amountText(0, 271e6)).toBe('0 of 271\u00a0MB');
  expect(amountText(41e6, 1.1e9)).toBe('41.0\u00a0MB of 1.1\u00a0GB');
  expect(amountText(5e6, 9.8e6)).toBe('5.0 of 9.8\u00a0MB');
  expect(amountText(168e6, null)).toBe('168\u00a0MB');
});

it('says what a download does and how long it takes', () => {
  expect(downloadText(DOWNLOAD)).toBe('168 of 271\u00a0MB, 9.6\u00a0MB/s, 11\u00a0s left');
  expect(downloadText({ ...DOWNLOAD, secondsLeft: 125 })).toBe(
    '168 of 271\u00a0MB, 9.6\u00a0MB/s, 2\u00a0min 5\u00a0s left',
  );
  expect(downloadText({ ...DOWNLOAD, rate: null, secondsLeft: null })).toBe('168 of 271\u00a0MB');
  expect(downloadText({ ...DOWNLOAD, phase: 'paused' })).toBe('Paused at 168 of 271\u00a0MB');
  expect(downloadText({ ...DOWNLOAD, phase: 'connecting', bytes: 0 })).toBe('Connecting');
  const problem = { kind: 'timeout', message: '', httpStatus: null } as const;
  expect(downloadText({ ...DOWNLOAD, phase: 'connecting', problem })).toBe('Timed out, retrying');
  expect(problemTitle({ kind: 'http', message: '', httpStatus: 404 })).toBe('HTTP 404');
  expect(shareOf(DOWNLOAD)).toBeCloseTo(168 / 271);
  expect(shareOf({ ...DOWNLOAD, totalBytes: null })).toBe(0);
});
