/** Another version of the app for tests of updates, made of the current one: its files are unpacked, changed, and packed. */
import { createPackage, extractAll } from '@electron/asar';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capture } from '../../scripts/lib/run.ts';
import { installer, VERSION } from './installers.ts';

export type PortableFormat = 'AppImage' | 'tar.gz';

export interface OtherVersion {
  format: PortableFormat;
  version: string;
  /** Where it finds updates, as in resources/updates.json. */
  updates?: { address: string; key: string };
  /** Its window does not open; its command line tool works. */
  isBroken?: boolean;
}

/** @param work an empty folder @returns path of the installer, named as `npm run dist` does, in that folder */
export async function otherVersion(work: string, { format, version, ...changes }: OtherVersion): Promise<string> {
  const tree = join(work, 'tree');
  const original = installer(format);
  const output = join(work, `tokenscope-${version}-linux-${process.arch}.${format}`);
  if (format === 'AppImage') {
    const offset = Number(await must(original, ['--appimage-offset']));
    await must('unsquashfs', ['-quiet', '-no-progress', '-offset', String(offset), '-dest', tree, original]);
    await change(join(tree, 'resources'), work, version, changes);
    const squashed = join(work, 'squashed');
    // Quickly rather than well.
    const fast = ['-comp', 'zstd', '-Xcompression-level', '1'];
    await must('mksquashfs', [tree, squashed, '-root-owned', '-noappend', '-quiet', '-no-progress', ...fast]);
    const runtime = (await readFile(original)).subarray(0, offset);
    await writeFile(output, Buffer.concat([runtime, await readFile(squashed)]), { mode: 0o755 });
    await rm(squashed);
  } else {
    await must('mkdir', [tree]);
    await must('tar', ['-xzf', original, '-C', tree]);
    const [folder = ''] = await readdir(tree);
    await change(join(tree, folder, 'resources'), work, version, changes);
    await must('sh', ['-c', 'tar -C "$0" -cf - "$1" | gzip -1 > "$2"', tree, folder, output]);
  }
  await rm(tree, { recursive: true });
  return output;
}

async function change(
  resources: string,
  work: string,
  version: string,
  { updates, isBroken }: Pick<OtherVersion, 'updates' | 'isBroken'>,
): Promise<void> {
  const archive = join(resources, 'app.asar');
  const app = join(work, 'app');
  extractAll(archive, app);
  const main = join(app, 'out', 'main');
  const names = (await readdir(main, { recursive: true })).filter((name) => name.endsWith('.js'));
  // The bundler chooses the quotes.
  const quoted = new RegExp(`(["'\`])${VERSION.replaceAll('.', '\\.')}\\1`, 'g');
  let changed = 0;
  for (const path of [...names.map((name) => join(main, name)), join(app, 'package.json')]) {
    const before = await readFile(path, 'utf8');
    const after = before.replaceAll(quoted, (_, quote: string) => quote + version + quote);
    if (after !== before) changed++;
    await writeFile(path, after);
  }
  if (changed < 2) throw new Error(`The version ${VERSION} was not found in ${main}.`);
  if (updates !== undefined) await writeFile(join(app, 'resources', 'updates.json'), JSON.stringify(updates));
  if (isBroken) await writeFile(join(main, 'index.js'), 'process.exit(1);\n');
  await createPackage(app, archive);
  await rm(app, { recursive: true });
}

async function must(command: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await capture(command, args);
  if (code !== 0) throw new Error(`${command} failed: ${stderr.trim()}`);
  return stdout;
}
