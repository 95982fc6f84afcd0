import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { planFor, testFilesUnder } from './lib/affected.ts';

describe('what a change can affect', () => {
  test('documents: the check, and the test of the documents', () => {
    const plan = planFor(['README.md', 'docs/architecture.md', 'src-main/engine/README.md']);
    expect(plan).toMatchObject({ unit: ['scripts/docs.test.ts'], kernels: false, specs: [] });
    expect(plan.leftOut).toHaveLength(3);
  });

  test.each(['docs/gpu.md', 'bench/lib/gpu-limits.ts', 'bench/lib/markdown.ts'])(
    '%s: the check of the documents, and the test of the tables in docs/gpu.md',
    (file) => expect(planFor([file]).unit).toEqual(['scripts/docs.test.ts', 'scripts/gpu-limits.test.ts']),
  );

  test('code of the engine: what imports it, the built programs, the kernels, every spec', () => {
    const file = 'src-main/engine/sampling/rng.ts';
    expect(planFor([file])).toMatchObject({ kernels: true, specs: 'all' });
    expect(planFor([file]).unit).toEqual(expect.arrayContaining([file, 'src-main/hosts/']));
  });

  test('the interface: what imports it, and every spec', () => {
    const file = 'src-renderer/app/Sidebar.svelte';
    expect(planFor([file])).toMatchObject({ unit: [file], kernels: false, specs: 'all' });
  });

  test('the terminal: the specs that use it', () => {
    expect(planFor(['src-main/hosts/node/cli/output.ts'])).toMatchObject({
      kernels: false,
      specs: ['hosts-agree', 'model-library', 'open-model', 'receipts'],
    });
  });

  test('a test: itself only', () => {
    const file = 'src-main/engine/sampling/golden.test.ts';
    expect(planFor([file])).toMatchObject({ unit: [file], kernels: false, specs: [] });
    expect(planFor(['e2e/chat.spec.ts'])).toMatchObject({ unit: [], kernels: false, specs: ['chat'] });
    expect(planFor(['e2e/chat.spec.ts'], ['e2e/chat.spec.ts'])).toMatchObject({ specs: [] });
    expect(planFor(['e2e/support/guard.ts'])).toMatchObject({ specs: 'all' });
  });

  test('the walks of the screenshots: nothing, but for the tests that import them', async () => {
    const files = (await readdir(new URL('lib/', import.meta.url))).filter((name) => name.endsWith('-walk.ts'));
    expect(files.length).toBeGreaterThan(5);
    for (const file of [...files, 'small-png.ts', 'sampling-examples.ts']) {
      const path = `scripts/lib/${file}`;
      expect(planFor([path])).toMatchObject({ unit: [path], kernels: false, specs: [] });
    }
  });

  test.each([
    'package-lock.json',
    'vitest.config.ts',
    'tsconfig.base.json',
    'resources/catalogue.json',
    'src-main/kernels/index.ts',
    'scripts/kernels/layouts.ts',
    'src-main/engine/fixtures/golden.json',
    'something/new.xyz',
  ])('%s: everything', (file) => {
    expect(planFor([file])).toEqual({ unit: 'all', kernels: true, specs: 'all', leftOut: [] });
  });

  test('deleted code: every test, as no import leads to it', () => {
    expect(planFor(['src-renderer/app/theme.ts'], ['src-renderer/app/theme.ts'])).toMatchObject({ unit: 'all' });
  });

  test('nothing: nothing', () => {
    expect(planFor([])).toMatchObject({ unit: [], kernels: false, specs: [] });
  });

  test('a folder stands for its tests', async () => {
    const files = await testFilesUnder(['src-main/hosts/node/cli/', 'src-main/engine/api/errors.ts']);
    expect(files).toContain('src-main/engine/api/errors.ts');
    expect(files).toContain('src-main/hosts/node/cli/cli.integration.test.ts');
    expect(files.filter((file) => file.endsWith('/'))).toEqual([]);
  });
});
