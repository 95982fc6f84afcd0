import { describe, expect, it } from 'vitest';
import { EngineError } from '../../api/errors.ts';
import { testKernels } from '../../test-support/kernels.ts';
import type { CompiledKernels } from '../../api/platform.ts';
import { chooseKernels } from './kernel-choice.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels, type KernelExports } from './kernels.ts';
import { type MeasureOnce, measureOnce } from './measure-once.ts';
import { DOT_KINDS } from './weight-layouts.ts';

const clock = { now: () => performance.now() };

type Changed = (kernels: KernelExports, module: WebAssembly.Module) => Partial<KernelExports>;

/** @param wide also offers the wide kernels, even if this V8 does not widen them */
function trial(
  variant: 'threads' | 'simd',
  changed: Changed = () => ({}),
  once: MeasureOnce = measureOnce({}, undefined),
  wide = false,
) {
  const kernels = testKernels(variant);
  const memory = new KernelMemory(kernels.shared);
  // A new module object, because choices are remembered per module.
  const compiled: CompiledKernels = { ...kernels, module: structuredClone(kernels.module), wide: undefined };
  if (wide) Object.assign(compiled, { wide: testKernels('wide').module });
  const instantiate = (module: WebAssembly.Module) => {
    const plain = instantiateKernels(module, memory.memory, { clock });
    return { ...plain, ...changed(plain, module) };
  };
  return async () => {
    const choice = await chooseKernels(compiled, instantiate, memory, clock, once);
    return { ...choice.dot, variant: choice.variant };
  };
}

const sevenBits = () => ({ dotKind: () => DOT_KINDS.indexOf('seven-bits') });
const packedWrongly = (kernels: KernelExports): Partial<KernelExports> => ({
  packQ4: (source, target, width, first, rows) => {
    kernels.packQ4(source, target, width, first, rows - 8);
    kernels.packQ4(source + 18, target, width, 3, 1);
  },
});

describe('the choice of kernels', () => {
  it('times both kinds of sums on processors without an instruction for 8-bit codes', async () => {
    const choice = await trial('threads', sevenBits)();
    expect(choice.codes).toBe('seven-bits');
    expect(choice.reason).toMatch(/^measured: /);
    const [best, other] = [...choice.reason.matchAll(/(\d+)(?: GMAC\/s)? with 128/g)];
    expect(Number(best[1])).toBeGreaterThanOrEqual(Number(other[1]));
    expect(choice.reason).toMatch(
      choice.sums === 'i16' ? /GMAC\/s with 128-bit vectors and 16-bit/ : /vectors, \d+ with/,
    );
  });

  it.each([
    { rates: [20, 30, 25, 10], sums: 'i16', variant: 'threads', order: [1, 2, 0, 3] },
    { rates: [30, 20, 10, 15], sums: 'i32', variant: 'threads', order: [0, 1, 3, 2] },
    { rates: [30, 20, 40, 35], sums: 'i32', variant: 'wide', order: [2, 3, 0, 1] },
    { rates: [30, 20, 35, 40], sums: 'i16', variant: 'wide', order: [3, 2, 0, 1] },
  ] as const)('reuses earlier measurements: $rates', async ({ rates, sums, variant, order }) => {
    const known: MeasureOnce = async () => ({ values: rates, before: true });
    const choice = await trial('threads', sevenBits, known, true)();
    expect(choice).toMatchObject({ sums, variant });
    const names = [128, 256].flatMap((bits) => [`${bits}-bit vectors`, `${bits}-bit vectors and 16-bit sums`]);
    const inOrder = order.map((way, i) => `${rates[way]}${i === 0 ? ' GMAC/s' : ''} with ${names[way]}`);
    expect(choice.reason).toBe(`measured earlier on this computer: ${inOrder.join(', ')}`);
  });

  it('times the wide kernels if there are any', async () => {
    const choice = await trial('threads', undefined, undefined, true)();
    expect(choice.reason).toMatch(/^measured: .*-bit vectors, .*-bit vectors/);
    expect(choice.reason).toMatch(choice.variant === 'wide' ? /GMAC\/s with 256-bit/ : /GMAC\/s with 128-bit/);
  });

  it('rejects wide kernels that compute wrongly, at once or after the optimising compiler ran', async () => {
    const known: MeasureOnce = async () => ({ values: [1, 2], before: true });
    const wide = testKernels('wide').module;
    let runs = 0;
    const wrongFrom =
      (first: number): Changed =>
      (kernels, module) => {
        const dotKind = () => DOT_KINDS.indexOf('unsigned');
        if (module !== wide) return { dotKind };
        return { dotKind, runPlan: (...plan) => (++runs >= first ? 0 : kernels.runPlan(...plan)) };
      };
    expect(await trial('threads', wrongFrom(1), known, true)()).toMatchObject({ variant: 'threads' });
    runs = 0;
    // Three runs are the first check.
    expect(await trial('threads', wrongFrom(4), known, true)()).toMatchObject({ variant: 'threads' });
    expect(await trial('threads', wrongFrom(Infinity), known, true)()).toMatchObject({ variant: 'wide' });
  });

  it('has a single choice without relaxed SIMD', async () => {
    expect(await trial('simd')()).toMatchObject({ codes: 'signed', sums: 'i32' });
  });

  it('remembers its choice', async () => {
    const choose = trial('threads');
    expect((await choose()).reason).toBe((await choose()).reason);
  });

  it('refuses kernels that compute wrongly, whatever was measured before', async () => {
    const known: MeasureOnce = async () => ({ values: [1, 2], before: true });
    const wrong = (kernels: KernelExports) => ({ ...sevenBits(), ...packedWrongly(kernels) });
    for (const choose of [trial('threads', packedWrongly), trial('threads', wrong, known)]) {
      const error: unknown = await choose().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(EngineError);
      expect(error).toMatchObject({ code: 'BACKEND_LOST', message: expect.stringMatching(/give wrong results/) });
    }
  });
});
