import { expect, it } from 'vitest';
import { packageFolder } from './bundled-packages.ts';
import { sbom } from './sbom.ts';

it('lists what is shipped, with versions, addresses and licences', () => {
  const text = sbom({
    app: { name: 'tokenscope', version: '1.2.3', license: 'MIT' },
    electronVersion: '33.2.1',
    packages: [
      { name: '@lucide/svelte', version: '1.48.0', license: 'ISC', folder: 'node_modules/@lucide/svelte' },
      { name: 'svelte', version: '5.57.0', license: 'MIT', folder: 'node_modules/svelte' },
    ],
    at: new Date('2026-11-27T00:00:00Z'),
  });
  const bom = JSON.parse(text) as {
    bomFormat: string;
    metadata: { component: { version: string } };
    components: { name: string; purl: string; licenses: unknown[] }[];
    dependencies: { ref: string; dependsOn?: string[] }[];
  };
  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { version: '1.2.3' } } });
  expect(bom.components.map(({ purl }) => purl).sort()).toEqual([
    'pkg:npm/%40lucide/svelte@1.48.0',
    'pkg:npm/electron@33.2.1',
    'pkg:npm/svelte@5.57.0',
  ]);
  expect(bom.components.find(({ purl }) => purl.startsWith('pkg:npm/svelte@'))?.licenses).toEqual([
    expect.objectContaining({ license: expect.objectContaining({ id: 'MIT' }) as unknown }),
  ]);
  expect(bom.dependencies.find(({ ref }) => ref === 'tokenscope@1.2.3')?.dependsOn).toHaveLength(3);
});

it.each([
  ['node_modules/svelte/src/index.js', 'node_modules/svelte'],
  ['node_modules/@a/b/lib/c.js', 'node_modules/@a/b'],
  ['node_modules/a/node_modules/@b/c/d.js', 'node_modules/a/node_modules/@b/c'],
  ['src-renderer/app/App.svelte', null],
])('%s belongs to %s', (path, folder) => {
  expect(packageFolder(path)).toBe(folder);
});
