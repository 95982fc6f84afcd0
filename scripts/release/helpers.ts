/**
 * The tools that electron-builder downloads for packages on Linux, made from the system's. It takes them from environment
 * variables, so its configuration is the same either way.
 */
import { chmod, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { capture, root } from '../lib/run.ts';

/** Debian's packages of the tools below. */
export const HELPER_PACKAGES = [
  ['rpm'],
  ['xz-utils'],
  ['squashfs-tools'],
  ['desktop-file-utils'],
  ['p7zip-full', '7zip'],
  ...['gcc', 'libc6-dev', 'libsquashfuse-dev', 'libfuse3-dev', 'liblzo2-dev', 'liblz4-dev'].map((name) => [name]),
  ...['libzstd-dev', 'liblzma-dev', 'zlib1g-dev'].map((name) => [name]),
];

/** Names of 7-Zip; Debian 12's package has only the last one. */
export const SEVEN_ZIP = ['7za', '7z', '7zz'];

/** Marks an AppImage of type 2, at this offset of its file, in a part of the ELF header that is unused. */
const APPIMAGE_MAGIC = { offset: 8, bytes: Buffer.from('AI\u0002') };
const RUNTIME_SOURCE = join(root, 'build', 'linux', 'appimage-runtime.c');
/** The static libraries in the order in which they need each other. */
const RUNTIME_LIBRARIES = ['squashfuse_ll', 'squashfuse', 'fuse3', 'zstd', 'z', 'lzma', 'lz4', 'lzo2', 'pthread', 'dl'];

/**
 * @param folder for the tools; replaced
 * @param targets which tools are needed
 * @returns environment variables for electron-builder
 * @throws Error that names a missing tool
 */
export async function prepareHelpers(folder: string, targets: readonly string[]): Promise<Record<string, string>> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const env: Record<string, string> = { ELECTRON_BUILDER_7ZIP_PATH: await toolPath(SEVEN_ZIP) };
  if (targets.includes('deb') || targets.includes('rpm')) env.CUSTOM_FPM_PATH = await fpm(folder);
  if (targets.includes('AppImage')) env.APPIMAGE_TOOLS_PATH = await appImageTools(join(folder, 'appimage'));
  return env;
}

async function fpm(folder: string): Promise<string> {
  const path = join(folder, 'fpm');
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const script = join(import.meta.dirname, 'fpm.ts');
  const line = [process.execPath, '--import', pathToFileURL(tsx).href, script].map(quoted).join(' ');
  await writeFile(path, `#!/bin/sh\nexec ${line} "$@"\n`, { mode: 0o755 });
  return path;
}

/** The layout of electron-builder's own download. */
async function appImageTools(folder: string): Promise<string> {
  await mkdir(join(folder, 'runtimes'), { recursive: true });
  await mkdir(join(folder, 'lib', process.arch), { recursive: true });
  for (const tool of ['mksquashfs', 'desktop-file-validate']) {
    await symlink(await toolPath([tool]), join(folder, tool));
  }
  await buildRuntime(join(folder, 'runtimes', `runtime-${process.arch}`));
  return folder;
}

async function buildRuntime(path: string): Promise<void> {
  const options = ['-std=gnu17', '-Os', '-static', '-s', '-Wall', '-o', path];
  const libraries = RUNTIME_LIBRARIES.map((name) => `-l${name}`);
  const { code, stderr } = await capture('gcc', [...options, RUNTIME_SOURCE, ...libraries]);
  if (code !== 0) throw new Error(`The AppImage runtime could not be compiled: ${stderr.trim()}`);
  const file = await open(path, 'r+');
  await file.write(APPIMAGE_MAGIC.bytes, 0, APPIMAGE_MAGIC.bytes.length, APPIMAGE_MAGIC.offset);
  await file.close();
  await chmod(path, 0o755);
}

async function toolPath(names: readonly string[]): Promise<string> {
  for (const name of names) {
    const { code, stdout } = await capture('sh', ['-c', `command -v ${name}`]);
    if (code === 0) return stdout.trim();
  }
  throw new Error(
    `${names[0]} is not installed. On Debian: apt-get install ${HELPER_PACKAGES.map(([name]) => name).join(' ')}`,
  );
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
