import { describe, expect, it } from 'vitest';
import { EngineError } from '../../errors.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { chooseDot } from './dot-choice.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels, type KernelExports } from './kernels.ts';
import { type MeasureOnce, measureOnce } from './measure-once.ts';
import { DOT_KINDS } from './weight-layouts.ts';

const clock = { now: () => performance.now() };

/** A module of its own: what was chosen before is kept for each. */
function trial(
  variant: 'threads' | 'simd',
  changed: (kernels: KernelExports) => Partial<KernelExports> = () => ({}),
  once: MeasureOnce = measureOnce({}, undefined),
) {
  const { module, shared } = testKernels(variant);
  const memory = new KernelMemory(shared);
  const kernels = instantiateKernels(module, memory.memory, () => false, clock);
  const fresh = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  return () => chooseDot(fresh, { ...kernels, ...changed(kernels) }, memory, clock, once);
}

const sevenBits = () => ({ dotKind: () => DOT_KINDS.indexOf('seven-bits') });
const packedWrongly = (kernels: KernelExports): Partial<KernelExports> => ({
  packQ4: (source, target, width, first, rows) => {
    kernels.packQ4(source, target, width, first, rows - 8);
    kernels.packQ4(source + 18, target, width, 3, 1);
  },
});

describe('the choice of kernels', () => {
  it('times both kinds of sums where the processor has no instruction for 8-bit codes', async () => {
    const choice = await trial('threads', sevenBits)();
    expect(choice.codes).toBe('seven-bits');
    expect(choice.reason).toMatch(/^measured: /);
    const rates = /with sums of 16 bits, (\d+) with 32|(\d+) thousand million/g;
    const [short, long] = [...choice.reason.matchAll(rates)].map((match) => Number(match[2] ?? match[1]));
    expect(short).toBeGreaterThan(0);
    if (short !== long) expect(choice.sums).toBe(short > long ? 'i16' : 'i32');
  });

  it.each([
    { rates: [20, 30], sums: 'i16' },
    { rates: [30, 20], sums: 'i32' },
  ] as const)('goes by what was measured before: $rates with 32 and 16 bits', async ({ rates, sums }) => {
    const known: MeasureOnce = async () => ({ values: rates, before: true });
    const choice = await trial('threads', sevenBits, known)();
    expect(choice.sums).toBe(sums);
    expect(choice.reason).toBe(
      `measured before on this computer: ${rates[1]} thousand million multiply-adds a second with sums of 16 bits, ${rates[0]} with 32`,
    );
  });

  it('knows one kind where there is no relaxed SIMD', async () => {
    expect(await trial('simd')()).toMatchObject({ codes: 'signed', sums: 'i32' });
  });

  it('keeps what it chose', async () => {
    const choose = trial('threads');
    expect(await choose()).toBe(await choose());
  });

  it('refuses kernels that compute wrongly, whatever was measured before', async () => {
    const known: MeasureOnce = async () => ({ values: [1, 2], before: true });
    const wrong = (kernels: KernelExports) => ({ ...sevenBits(), ...packedWrongly(kernels) });
    for (const choose of [trial('threads', packedWrongly), trial('threads', wrong, known)]) {
      const error: unknown = await choose().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(EngineError);
      expect(error).toMatchObject({ code: 'BACKEND_LOST', message: expect.stringMatching(/compute wrongly/) });
    }
  });
});
