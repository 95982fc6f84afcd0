import { describe, expect, it } from 'vitest';
import { imaginedGpu } from '../../test-support/imagined-gpu.ts';
import { sharedDevice, testGpu } from '../../test-support/gpu.ts';
import { findSubgroups, fits } from './subgroups.ts';

/** What the probe finds where `numberOf` gives each thread's number in its subgroup. */
function found(size: number, numberOf: (thread: number) => number): Uint32Array {
  return Uint32Array.from({ length: 128 }, (_, i) => (i % 2 === 0 ? numberOf(i >> 1) : size));
}

describe('subgroups', () => {
  it.each([4, 8, 16, 32, 64, 128])('of %i threads in order are used', (size) => {
    const all = found(size, (thread) => thread % size);
    expect(fits(all, size)).toBe(true);
    // Other pipelines may have smaller ones.
    expect(fits(all, 4)).toBe(true);
    expect(fits(all, 2 * size)).toBe(false);
  });

  it.each([
    ['in another order', found(32, (thread) => 31 - (thread % 32))],
    ['side by side', found(32, (thread) => thread >> 1)],
    ['of an odd size', found(24, (thread) => thread % 24)],
  ])('%s are not', (_name, all) => {
    expect(fits(all, 8)).toBe(false);
  });

  it('are not used without the feature, or if their size is not known', async () => {
    const { device, adapter } = imaginedGpu();
    expect(await findSubgroups(device, { ...adapter, subgroupMinSize: 32 })).toBeNull();
    const features = new Set(['subgroups']);
    expect(await findSubgroups({ ...device, features }, adapter)).toBeNull();
    // The imagined GPU writes zeros.
    expect(await findSubgroups({ ...device, features }, { ...adapter, subgroupMinSize: 32 })).toBeNull();
  });
});

const gpu = await testGpu();

describe.skipIf(gpu === null)('subgroups of this adapter (need one)', () => {
  it('are found if it has them', { timeout: 400_000 }, async () => {
    const { device, adapter } = await sharedDevice(gpu!);
    const expected = device.features?.has('subgroups') ? adapter.subgroupMinSize : null;
    expect(await findSubgroups(device, adapter)).toBe(expected);
  });
});
