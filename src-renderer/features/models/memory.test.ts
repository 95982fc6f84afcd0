import { expect, it } from 'vitest';
import { MODEL } from '../chat/test-support/fakes.ts';
import {
  biggerContext,
  contextStops,
  defaultContext,
  fitOf,
  gpuMemoryAt,
  memoryAt,
  nearestStop,
  ramOf,
  takesGpuMemory,
} from './memory.ts';

const at = (contextSize: number, weights: number, kvCache: number, scratch: number) => {
  return { contextSize, weights, kvCache, scratch, total: weights + kvCache + scratch };
};

it('offers contexts from 256 to what the model was trained for', () => {
  expect(contextStops(2048)).toEqual([256, 384, 512, 768, 1024, 1536, 2048]);
  expect(contextStops(1000)).toEqual([256, 384, 512, 768, 1000]);
  expect(contextStops(64)).toEqual([64]);
  expect(nearestStop(contextStops(2048), 1000)).toBe(4);
  expect(nearestStop(contextStops(2048), 9)).toBe(0);
  expect(defaultContext(131_072)).toBe(4096);
  expect(defaultContext(1000)).toBe(1000);
});

it('knows the memory between the contexts it was told of, and beyond', () => {
  const known = [at(1024, 100, 1024, 512), at(4096, 100, 4096, 512), at(8192, 100, 8192, 512)];
  expect(memoryAt(known, 1024)).toEqual(known[0]);
  expect(memoryAt(known, 2048)).toEqual(at(2048, 100, 2048, 512));
  expect(memoryAt(known, 512)).toEqual(at(512, 100, 512, 512));
  expect(memoryAt(known, 8192)).toEqual(known[2]);
  expect(memoryAt([at(1000, 10, 2000, 1000)], 500)).toEqual(at(500, 10, 1000, 1000));
  // Working space that grows with the context: 400 and a half of a byte for each token.
  expect(memoryAt([at(1000, 10, 2000, 900), at(2000, 10, 4000, 1400)], 500)).toEqual(at(500, 10, 1000, 650));
  expect(memoryAt([], 5).total).toBe(0);
});

it('knows the largest buffer on a GPU between contexts, never too small', () => {
  const known = [
    { ...at(1024, 100, 1024, 512), largestBuffer: 700 },
    { ...at(4096, 100, 4096, 512), largestBuffer: 2048 },
  ];
  expect(gpuMemoryAt(known, 4096)).toEqual(known[1]);
  expect(gpuMemoryAt(known, 256)).toEqual({ ...at(256, 100, 256, 512), largestBuffer: 700 });
  expect(gpuMemoryAt(known, 2560)).toEqual({ ...at(2560, 100, 2560, 512), largestBuffer: 1374 });
  expect(gpuMemoryAt([], 5)).toMatchObject({ total: 0, largestBuffer: 0 });
});

it('says whether a model fits, and by how much it does not', () => {
  const memory = { free: 1000, held: 200 };
  expect(fitOf({ ...memory, needed: 900 })).toMatchObject({ verdict: 'fits', short: 0 });
  expect(fitOf({ ...memory, needed: 1100 })).toMatchObject({ verdict: 'after-unload', short: 0 });
  expect(fitOf({ ...memory, needed: 1500 })).toMatchObject({
    verdict: 'too-large',
    short: 300,
    available: 1200,
  });
});

it('counts memory of a GPU as RAM only if it is known to be', () => {
  const memoryBytes = { weights: 4, kvCache: 2, scratch: 1 };
  expect(ramOf({ executor: 'wasm', memoryBytes })).toBe(7);
  expect(ramOf({ executor: 'webgpu', memoryBytes })).toBe(0);
  const on = (name: string, isSoftware = false) =>
    ramOf({ executor: 'webgpu', memoryBytes, adapter: { name, isSoftware, largestBuffer: 1 } });
  expect([on('nvidia ampere'), on('apple metal-3'), on('Apple M2'), on('SwiftShader', true)]).toEqual([0, 7, 7, 7]);
});

it('knows which loads take memory of a GPU', () => {
  const onCpu = { model: MODEL, requested: null };
  expect(takesGpuMemory(MODEL.id, undefined, onCpu)).toBe(false);
  expect(takesGpuMemory(MODEL.id, 'webgpu', onCpu)).toBe(true);
  const onGpu = { model: { ...MODEL, executor: 'webgpu' as const }, requested: 'auto' as const };
  // Again with another context.
  expect(takesGpuMemory(MODEL.id, undefined, onGpu)).toBe(true);
  expect(takesGpuMemory(MODEL.id, 'wasm', onGpu)).toBe(false);
  expect(takesGpuMemory('other', undefined, onGpu)).toBe(false);
  expect(takesGpuMemory('other', 'webgpu', onGpu)).toBe(true);
  const adapter = { name: 'apple metal-3', isSoftware: false, largestBuffer: 1 };
  expect(takesGpuMemory(MODEL.id, 'webgpu', { ...onGpu, model: { ...onGpu.model, adapter } })).toBe(false);
});

it.each([
  // Twice as much, or as much as is needed, among the sizes that the model page offers.
  [8192, 512, 513, 1024],
  [8192, 512, 1300, 1536],
  [700, 512, 513, 700],
  [1000, 1000, 1001, null],
  [2048, 512, 5000, null],
])('trained for %i, with %i, %i needed: %j', (trained, current, needed, expected) => {
  expect(biggerContext(trained, current, needed)).toBe(expected);
});
