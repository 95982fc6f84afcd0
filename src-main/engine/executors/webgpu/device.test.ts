import { expect, it } from 'vitest';
import { adapterFacts } from './device.ts';

const NOTHING = { vendor: '', architecture: '', device: '', description: '' };

it.each([
  // Chromium without and with its developer features, Dawn, Firefox, a browser that reveals nothing.
  [{ vendor: 'nvidia', architecture: 'ampere' }, 'nvidia ampere', false],
  [{ vendor: 'nvidia', architecture: 'ampere', device: '0x2504', description: 'RTX 3060' }, 'RTX 3060', false],
  [{ vendor: 'google', architecture: 'swiftshader' }, 'SwiftShader', true],
  [{ description: 'llvmpipe (LLVM 19.1.7, 256 bits)' }, 'llvmpipe (LLVM 19.1.7, 256 bits)', true],
  [{ description: 'Microsoft Basic Render Driver' }, 'Microsoft Basic Render Driver', true],
  [{ vendor: 'apple', isFallbackAdapter: true }, 'apple', true],
  [{}, 'GPU', false],
])('an adapter that says %o', (info, name, isSoftware) => {
  expect(adapterFacts({ ...NOTHING, ...info })).toEqual({ name, isSoftware });
});
