/** Builds a deb or rpm with the tools of Debian or Fedora. */
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { capture } from '../lib/run.ts';
import { debControl, ownEntries, rpmArchitecture, rpmSpec, type PackageSpec } from './package-spec.ts';

/** @throws Error with the tool's output */
export async function buildPackage(spec: PackageSpec): Promise<void> {
  // Beside the output, so that nothing is copied between disks.
  const work = await mkdtemp(join(dirname(spec.output), '.package-'));
  try {
    const tree = join(work, 'tree');
    await layOut(spec.sources, tree);
    await (spec.format === 'deb' ? buildDeb(spec, tree) : buildRpm(spec, tree, work));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function layOut(sources: PackageSpec['sources'], tree: string): Promise<void> {
  for (const { from, to } of sources) {
    const target = join(tree, to);
    await mkdir(dirname(target), { recursive: true });
    await cp(from, target, { recursive: true, verbatimSymlinks: true });
  }
  // Whatever the umask of whoever builds it.
  await must('chmod', ['-R', 'u=rwX,go=rX', tree]);
}

async function buildDeb(spec: PackageSpec, tree: string): Promise<void> {
  const paths = await pathsIn(tree);
  const files = paths.filter((path) => !path.endsWith('/'));
  const sums = await must('md5sum', ['--', ...files], tree);
  const kib = await Promise.all(files.map(async (path) => Math.ceil((await stat(join(tree, path))).size / 1024)));
  const control = join(tree, 'DEBIAN');
  await mkdir(control);
  await writeFile(
    join(control, 'control'),
    debControl(
      spec,
      kib.reduce((sum, size) => sum + size, 0),
    ),
  );
  await writeFile(join(control, 'md5sums'), sums);
  await writeFile(join(control, 'postinst'), await readFile(spec.afterInstall), { mode: 0o755 });
  await writeFile(join(control, 'postrm'), await readFile(spec.afterRemove), { mode: 0o755 });
  const compression = spec.compression === 'zst' ? 'zstd' : spec.compression === 'gz' ? 'gzip' : spec.compression;
  await must('dpkg-deb', ['--root-owner-group', `-Z${compression}`, '--build', tree, spec.output]);
}

async function buildRpm(spec: PackageSpec, tree: string, work: string): Promise<void> {
  const entries = ownEntries(await pathsIn(tree));
  const scripts = {
    afterInstall: await readFile(spec.afterInstall, 'utf8'),
    afterRemove: await readFile(spec.afterRemove, 'utf8'),
  };
  const file = join(work, `${spec.name}.spec`);
  await writeFile(file, rpmSpec(spec, entries, scripts));
  const architecture = rpmArchitecture(spec.architecture);
  // Its database must not be the system's.
  const defines = [`_topdir ${work}/rpm`, `_dbpath ${work}/db`, `_rpmdir ${work}`, '_rpmfilename package.rpm'];
  const options = defines.flatMap((define) => ['--define', define]);
  await must('rpmbuild', ['-bb', '--quiet', '--target', architecture, '--buildroot', tree, ...options, file]);
  await rename(join(work, 'package.rpm'), spec.output);
}

/** Everything below a folder, folders with a slash at the end, sorted. */
export async function pathsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => `${relative(folder, join(entry.parentPath, entry.name))}${entry.isDirectory() ? '/' : ''}`)
    .sort();
}

/** @returns standard output */
async function must(command: string, args: string[], cwd = tmpdir()): Promise<string> {
  const { code, stdout, stderr } = await capture(command, args, { cwd });
  if (code !== 0) throw new Error(`${basename(command)} failed (exit code ${code}): ${stderr.trim() || stdout.trim()}`);
  return stdout;
}
