/** What `npm run dist` builds on each system, by the names that electron-builder has for it. */
export const TARGETS = {
  linux: ['AppImage', 'deb', 'rpm', 'tar.gz'],
  darwin: ['dmg', 'zip'],
  win32: ['nsis', 'zip'],
} as const satisfies Partial<Record<NodeJS.Platform, readonly string[]>>;

export type DistPlatform = keyof typeof TARGETS;

/**
 * @param list names with commas in between, in any case; undefined for all
 * @throws Error that lists what there is
 */
export function chosenTargets(platform: NodeJS.Platform, list: string | undefined): string[] {
  if (!(platform in TARGETS)) throw new Error(`There are no installers for ${platform}.`);
  const all: readonly string[] = TARGETS[platform as DistPlatform];
  if (list === undefined) return [...all];
  const names = list.split(',').map((name) => name.trim().toLowerCase());
  const unknown = names.filter((name) => !all.some((target) => target.toLowerCase() === name));
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: choose from ${all.join(', ')}.`);
  return all.filter((target) => names.includes(target.toLowerCase()));
}

/** Names of systems in file names. */
const SYSTEMS: Readonly<Record<DistPlatform, string>> = { linux: 'linux', darwin: 'mac', win32: 'win' };

/** `tokenscope-VERSION-SYSTEM-ARCH.EXTENSION`, for electron-builder, which writes `amd64` or `x86_64` on its own. */
export function artifactName(platform: DistPlatform, arch: string): string {
  return `\${name}-\${version}-${SYSTEMS[platform]}-${arch}.\${ext}`;
}
