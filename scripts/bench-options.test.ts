import { expect, test } from 'vitest';
import { readOptions } from '../bench/lib/options.ts';
import { flagsFor } from '../bench/lib/processors.ts';

test('another processor is measured in the parts where both sides can act as it, and not published', () => {
  const { task, parts, whole } = readOptions(['--processor', 'icelake']);
  expect(task.processor).toBe('icelake');
  expect(parts).toEqual(['files', 'large', 'lanes', 'machine']);
  expect(whole).toBe(false);
  expect(() => readOptions(['--processor', 'haswell', '--parts', 'start'])).toThrow('--parts takes files, large');
  expect(() => readOptions(['--processor', 'pentium'])).toThrow('--processor takes haswell, icelake, alderlake');
});

test('only processors without AVX-VNNI are run without it', () => {
  expect(flagsFor(null)).toEqual([]);
  expect(flagsFor('alderlake')).toEqual([]);
  expect(flagsFor('haswell')).toEqual(['--no-enable-avx-vnni']);
});

test('named files decide which parts are measured', () => {
  expect(readOptions(['--files', '1B Q8_0'])).toMatchObject({ parts: ['large'], files: [], large: ['1B Q8_0'] });
  expect(readOptions(['--files', 'Q4_0,4B Q4_K_M'])).toMatchObject({
    ...{ parts: ['files', 'large'], files: ['Q4_0'], large: ['4B Q4_K_M'] },
  });
  expect(readOptions([])).toMatchObject({ whole: true, large: ['1B Q4_K_M', '1B Q8_0', '4B Q4_K_M'] });
});
