/** What a deb or rpm contains, and the fpm command lines of electron-builder that say so. */

export interface PackageSpec {
  format: 'deb' | 'rpm';
  /** Path of the package to write. */
  output: string;
  name: string;
  version: string;
  /** Debian's name: `amd64`. */
  architecture: string;
  maintainer: string;
  vendor: string;
  url: string;
  license: string;
  /** One line, and the long text. */
  summary: string;
  description: string;
  section: string;
  depends: string[];
  recommends: string[];
  /** Scripts as root, after the files are in place or gone. */
  afterInstall: string;
  afterRemove: string;
  /** `xz`, `zst`, `gz` or `none`. */
  compression: string;
  /** Files, or folders of which everything is taken (a slash at the end), and where they go. */
  sources: { from: string; to: string }[];
}

const FLAGS = new Set(['--force', '--debug']);

/**
 * Reads the arguments that electron-builder gives to fpm.
 * @throws Error for a missing one
 */
export function readFpmArguments(args: readonly string[]): PackageSpec {
  const values = new Map<string, string[]>();
  const sources: PackageSpec['sources'] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    if (FLAGS.has(arg)) continue;
    if (arg.startsWith('-')) {
      values.set(arg, [...(values.get(arg) ?? []), args[++index] ?? '']);
      continue;
    }
    const [from = '', to = ''] = arg.split('=');
    sources.push({ from, to });
  }
  const all = (name: string) => values.get(name) ?? [];
  const one = (name: string, otherwise?: string): string => {
    const value = all(name).at(-1) ?? otherwise;
    if (value === undefined) throw new Error(`fpm: the argument ${name} is missing`);
    return value;
  };
  const format = one('-t');
  if (format !== 'deb' && format !== 'rpm') throw new Error(`fpm: ${format} packages are not supported`);
  const [summary = '', ...description] = one('--description').trim().split('\n');
  return {
    format,
    output: one('--package'),
    name: one('--name'),
    version: one('--version'),
    architecture: one('--architecture'),
    maintainer: one('--maintainer'),
    vendor: one('--vendor'),
    url: one('--url'),
    license: one('--license', 'unknown'),
    summary: one('--rpm-summary', summary).trim(),
    description: description.length === 0 ? summary : description.join('\n').trim(),
    section: one('--category', 'misc'),
    depends: all('-d'),
    recommends: all('--deb-recommends'),
    afterInstall: one('--after-install'),
    afterRemove: one('--after-remove'),
    compression: one(format === 'deb' ? '--deb-compression' : '--rpm-compression', 'xz'),
    sources,
  };
}

/** @param installedKib size of all files, KiB */
export function debControl(spec: PackageSpec, installedKib: number): string {
  const { recommends } = spec;
  return [
    `Package: ${spec.name}`,
    `Version: ${spec.version}`,
    `License: ${spec.license}`,
    `Vendor: ${spec.vendor}`,
    `Architecture: ${spec.architecture}`,
    `Maintainer: ${spec.maintainer}`,
    `Installed-Size: ${installedKib}`,
    `Depends: ${spec.depends.join(', ')}`,
    ...(recommends.length > 0 ? [`Recommends: ${recommends.join(', ')}`] : []),
    `Section: ${spec.section}`,
    'Priority: optional',
    `Homepage: ${spec.url}`,
    `Description: ${spec.summary}`,
    ...spec.description.split('\n').map((line) => ` ${line.trim() === '' ? '.' : line.trim()}`),
    '',
  ].join('\n');
}

const RPM_ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'aarch64' };
/** Multithreaded; the levels are those of the tools themselves. */
const RPM_PAYLOADS: Readonly<Record<string, string>> = {
  xz: 'w6T.xzdio',
  xzmt: 'w6T.xzdio',
  zst: 'w19T.zstdio',
  gz: 'w9.gzdio',
  none: 'w0.gzdio',
};

export function rpmArchitecture(architecture: string): string {
  return RPM_ARCHITECTURES[architecture] ?? architecture;
}

/**
 * @param entries what the package owns: paths below its root, folders with a slash at the end
 * @param scripts the contents of the scripts
 */
export function rpmSpec(
  spec: PackageSpec,
  entries: readonly string[],
  scripts: { afterInstall: string; afterRemove: string },
): string {
  const files = entries.map((path) => (path.endsWith('/') ? `%dir "/${path.slice(0, -1)}"` : `"/${path}"`));
  return [
    `Name: ${spec.name}`,
    `Version: ${spec.version}`,
    'Release: 1',
    `Summary: ${spec.summary}`,
    `License: ${spec.license}`,
    `Vendor: ${spec.vendor}`,
    `Packager: ${spec.maintainer}`,
    `URL: ${spec.url}`,
    ...spec.depends.map((name) => `Requires: ${name}`),
    // The app's own libraries must not be offered to other packages.
    'AutoReqProv: no',
    '%define _build_id_links none',
    '%define debug_package %{nil}',
    '%define __os_install_post %{nil}',
    `%define _binary_payload ${RPM_PAYLOADS[spec.compression] ?? RPM_PAYLOADS.xz!}`,
    '%description',
    spec.description,
    '%post',
    escapeMacros(scripts.afterInstall),
    '%postun',
    escapeMacros(scripts.afterRemove),
    '%files',
    '%defattr(-,root,root,-)',
    ...files,
    '',
  ].join('\n');
}

function escapeMacros(script: string): string {
  return script.replaceAll('%', '%%');
}

/**
 * The entries of a tree that the package owns: its files, and the folders that are only its own, not `/usr` or `/usr/share`.
 * @param paths below the root, folders with a slash at the end
 */
export function ownEntries(paths: readonly string[]): string[] {
  return paths.filter((path) => !path.endsWith('/') || /^opt\/[^/]+\//.test(path));
}
