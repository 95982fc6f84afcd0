import { describe, expect, it } from 'vitest';
import { F16_TO_F32 } from '../../quant/float16.ts';
import { testKernels } from '../../test-support/kernels.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiateKernels } from './kernels.ts';
import * as L from './plan-layout.ts';

/** Bits of 64 and of infinity. */
const [SIXTY_FOUR, INFINITE] = [0x5400, 0x7c00];
/** Values of a row; a panel has eight rows. */
const WIDTH = 64;
const PANEL = 8 * WIDTH;

/** All numbers whose bits without the sign are below `end`, in whole panels; the rest of the last is 0. */
function allBelow(end: number): Uint16Array {
  const bits = Uint16Array.from({ length: 2 * end }, (_, i) => (i >> 1) | ((i & 1) << 15));
  const padded = new Uint16Array(Math.ceil(bits.length / PANEL) * PANEL);
  padded.set(bits);
  return padded;
}

function packed(bits: Uint16Array, variant: 'threads' | 'wide' = 'threads') {
  const kernels = testKernels(variant);
  const memory = new KernelMemory(kernels.shared);
  const at = memory.allocate(bits.byteLength, 'numbers');
  const functions = instantiateKernels(kernels.module, memory.memory);
  const stored = new Uint16Array(memory.memory.buffer, at, bits.length);
  stored.set(bits);
  const panels = bits.length / PANEL;
  return {
    stored,
    canRaise: () => functions.canRaise(L.LAYOUT_F16, at, WIDTH, 0, panels) !== 0,
    raise: (from = 0, to = panels) => functions.raisePanels(L.LAYOUT_F16, at, WIDTH, from, to),
    lower: () => functions.lowerPanels(L.LAYOUT_F16, at, WIDTH, 0, panels),
  };
}

const values = (bits: Uint16Array) => Float32Array.from(bits, (half) => F16_TO_F32[half]);

describe('float16 numbers', () => {
  it.each(['threads', 'wide'] as const)('are 1,024 times as large when raised, and normal: %s', (variant) => {
    const bits = allBelow(SIXTY_FOUR);
    const { stored, canRaise, raise } = packed(bits, variant);
    expect(canRaise()).toBe(true);
    raise();
    expect(values(stored)).toEqual(values(bits).map((value) => value * 2 ** L.RAISED_BY));
    expect(stored.filter((half) => (half & 0x7c00) === 0).every((half) => (half & 0x7fff) === 0)).toBe(true);
  });

  it('are the same bits again when lowered', () => {
    const bits = allBelow(SIXTY_FOUR);
    const { stored, raise, lower } = packed(bits);
    raise();
    lower();
    expect(stored.slice()).toEqual(bits);
  });

  it.each([SIXTY_FOUR, INFINITE, INFINITE + 1])('cannot be raised beside the bits %i', (large) => {
    const bits = allBelow(0x400);
    bits[bits.length - 1] = large | 0x8000;
    expect(packed(bits).canRaise()).toBe(false);
  });

  it('are raised in the given panels only', () => {
    const bits = allBelow(0x400);
    const { stored, raise } = packed(bits);
    raise(1, 2);
    expect(stored.slice(0, PANEL)).toEqual(bits.slice(0, PANEL));
    expect(stored.slice(PANEL, 2 * PANEL)).not.toEqual(bits.slice(PANEL, 2 * PANEL));
    expect(stored.slice(2 * PANEL)).toEqual(bits.slice(2 * PANEL));
  });
});
