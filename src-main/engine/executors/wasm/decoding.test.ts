import { expect, it } from 'vitest';
import { DecodeChoice } from './decoding.ts';
import { measureOnce } from './measure-once.ts';
import { type RunSettings, STREAM_COUNTS } from './run-inputs.ts';

it('reports the time of a whole token when only a part of it is timed', async () => {
  let now = 0;
  const settings: RunSettings = { streams: STREAM_COUNTS[0], causal: true };
  const decoder = {
    ...{ threads: 1, operations: 10, weightBytes: 2 ** 30, isFloat32: false, share: 1 / 4 },
    runToken: async () => void (now += settings.streams === 8 ? 5 : 3),
  };
  const choice = new DecodeChoice(decoder, settings);
  await choice.chooseStreams({ now: () => now }, measureOnce({}, undefined));
  expect(settings.streams).toBe(2);
  expect(choice.whyStreams).toBe('measured: one token takes 20.00 ms with 8 streams, 12.00 ms with 2');
});
