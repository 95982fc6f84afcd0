import { expect, it } from 'vitest';
import { defaultSamplingParams } from '../../../../src-main/engine/api/defaults.ts';
import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import { otherSettings } from './other-settings.ts';

it.each<[Partial<SamplingParams>, string[]]>([
  [{}, ['Top-k', 'Min-p']],
  [{ topK: 0, minP: 0 }, []],
  [{ samplers: ['top_k', 'temperature', 'top_k'] }, ['Top-k']],
  // At 1, each stage keeps as many as without it.
  [{ topK: 0, minP: 0, minKeep: 1 }, []],
  [{ topK: 0, minP: 0, minKeep: 2 }, ['Keep at least']],
  [{ topK: 0, minP: 0, adaptiveTarget: 0.3 }, ['Adaptive-p']],
  [{ mirostat: 2, minKeep: 2, adaptiveTarget: 0.3 }, ['Mirostat']],
  [{ topK: 0, seed: 5, bannedTexts: ['x'], logitBias: [[3, 1]] }, ['Min-p', 'Seed', 'Banned texts', 'Biases']],
])('with %j, says what has an effect besides temperature and top-p', (patch, labels) => {
  expect(otherSettings({ ...defaultSamplingParams(), ...patch })).toEqual(labels);
});
