/** Whether V8 generates 256-bit instructions for the wide kernels: `npm test -- --only kernels` runs this in Electron. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { compileNodeKernels } from './kernels.ts';

const COMPILE = `
import { readFileSync } from 'node:fs';
new WebAssembly.Module(readFileSync(process.argv[1]));
`;

/** Number of functions of a build that V8 fuses. */
function fusedFunctions(variant: string): number {
  const flags = ['--experimental-wasm-revectorize', '--trace-wasm-revectorize', '--no-wasm-lazy-compilation'];
  const args = [...process.execArgv.filter((flag) => /liftoff|turboshaft/.test(flag)), ...flags];
  const file = fileURLToPath(new URL(`../../../resources/kernels/${variant}.wasm`, import.meta.url));
  const trace = execFileSync(process.execPath, [...args, '--input-type=module', '--eval', COMPILE, file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  return trace.match(/Decide to (re)?vectorize/g)?.length ?? 0;
}

it('offers the wide kernels', () => {
  expect(compileNodeKernels().wide).toBeInstanceOf(WebAssembly.Module);
});

it('fuses what multiplies in the wide kernels, and less in the others', () => {
  const wide = fusedFunctions('wide');
  // One function for each layout of weights, for one row, four and many.
  expect(wide).toBeGreaterThan(20);
  expect(wide).toBeGreaterThan(fusedFunctions('threads'));
});
