/** The installers of an earlier version, made of the current ones: what an update has to replace. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPackage } from '../../scripts/release/build-package.ts';
import { capture } from '../../scripts/lib/run.ts';
import { installer } from './installers.ts';

export const PREVIOUS_VERSION = '0.0.9';

/** @returns path of a package that is quick to build, since nothing is compressed */
export async function previousVersion(format: 'deb' | 'rpm'): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'tokenscope-previous-'));
  const tree = join(work, 'tree');
  await must('dpkg-deb', ['--raw-extract', installer('deb'), tree]);
  const control = await readFile(join(tree, 'DEBIAN', 'control'), 'utf8');
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(control)?.[1] ?? '';
  const output = join(work, `tokenscope-${PREVIOUS_VERSION}.${format}`);
  if (format === 'deb') {
    await writeFile(join(tree, 'DEBIAN', 'control'), control.replace(/^Version: .*$/m, `Version: ${PREVIOUS_VERSION}`));
    await must('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, output]);
    return output;
  }
  await buildPackage({
    format,
    output,
    name: field('Package'),
    version: PREVIOUS_VERSION,
    architecture: field('Architecture'),
    maintainer: field('Maintainer'),
    vendor: field('Vendor'),
    url: field('Homepage'),
    license: field('License'),
    summary: field('Description'),
    description: field('Description'),
    section: field('Section'),
    depends: [],
    recommends: [],
    afterInstall: join(tree, 'DEBIAN', 'postinst'),
    afterRemove: join(tree, 'DEBIAN', 'postrm'),
    compression: 'none',
    sources: ['opt', 'usr'].map((folder) => ({ from: join(tree, folder), to: `/${folder}` })),
  });
  return output;
}

async function must(command: string, args: string[]): Promise<void> {
  const { code, stderr } = await capture(command, args);
  if (code !== 0) throw new Error(`${command} failed: ${stderr.trim()}`);
}
