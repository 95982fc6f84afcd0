import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../lib/run.ts';
import { bundledPackages, type BundledPackage } from './bundled-packages.ts';
import { thirdPartyLicences } from './notices.ts';

const isBuilt = ['main', 'renderer'].every((part) => existsSync(join(root, 'out/.packages', `${part}.json`)));

it.skipIf(!isBuilt)('the app shows the licences of everything that is in it', async () => {
  const packages = await bundledPackages(root);
  const text = await thirdPartyLicences(root, packages);
  // Its imports are for the bundler only.
  const shown = await readFile(join(root, 'src-renderer/features/settings/licences.ts'), 'utf8');
  for (const { name, version, license } of packages) {
    expect(text).toContain(`\n${name} ${version} (${license})\n`);
    expect(shown, `${name} in About`).toMatch(new RegExp(`'${name}'[,\\])]`));
    expect(license, name).not.toBe('unknown');
  }
});

it('takes a licence from a README, and refuses a package without one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tokenscope-notices-'));
  try {
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'a', 'README.md'), '# A\n\nLicense (MIT)\n---\nPermission is hereby granted, …');
    const one: BundledPackage = { name: 'a', version: '1.0.0', license: 'MIT', folder: 'a' };
    expect(await thirdPartyLicences(folder, [one])).toContain('Permission is hereby granted');
    await writeFile(join(folder, 'a', 'README.md'), '# A');
    await expect(thirdPartyLicences(folder, [one])).rejects.toThrow('a 1.0.0 (MIT) has no licence file in a.');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
