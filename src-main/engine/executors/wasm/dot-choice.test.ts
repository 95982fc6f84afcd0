import { describe, expect, it } from 'vitest';
import { EngineError } from '../../errors.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { chooseDot } from './dot-choice.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels, type KernelExports } from './kernels.ts';
import { DOT_KINDS } from './weight-layouts.ts';

const clock = { now: () => performance.now() };

/** A module of its own: what was chosen before is kept for each. */
function trial(variant: 'threads' | 'simd', changed: (kernels: KernelExports) => Partial<KernelExports> = () => ({})) {
  const { module, shared } = testKernels(variant);
  const memory = new KernelMemory(shared);
  const kernels = instantiateKernels(module, memory.memory, () => false, clock);
  const fresh = new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]));
  return () => chooseDot(fresh, { ...kernels, ...changed(kernels) }, memory, clock);
}

describe('the choice of kernels', () => {
  it('times both kinds of sums where the processor has no instruction for 8-bit codes', () => {
    const sevenBits = { dotKind: () => DOT_KINDS.indexOf('seven-bits') };
    const choice = trial('threads', () => sevenBits)();
    expect(choice.codes).toBe('seven-bits');
    const rates = /with sums of 16 bits, (\d+) with 32|(\d+) thousand million/g;
    const [short, long] = [...choice.reason.matchAll(rates)].map((match) => Number(match[2] ?? match[1]));
    expect(short).toBeGreaterThan(0);
    if (short !== long) expect(choice.sums).toBe(short > long ? 'i16' : 'i32');
  });

  it('knows one kind where there is no relaxed SIMD', () => {
    expect(trial('simd')()).toMatchObject({ codes: 'signed', sums: 'i32' });
  });

  it('keeps what it chose', () => {
    const choose = trial('threads');
    expect(choose()).toBe(choose());
  });

  it('refuses kernels that compute wrongly', () => {
    const choose = trial('threads', (kernels) => ({
      packQ4: (source, target, width, first, rows) => {
        kernels.packQ4(source, target, width, first, rows - 8);
        kernels.packQ4(source + 18, target, width, 3, 1);
      },
    }));
    expect(choose).toThrow(EngineError);
    expect(choose).toThrow(/compute wrongly/);
  });
});
