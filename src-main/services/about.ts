import manifest from '../../package.json' with { type: 'json' };
import type { AboutInfo } from '../protocol/app/about.ts';

/** Versions of the app and its runtime. */
export function about(
  host: AboutInfo['host'],
  dataFolder: string,
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): AboutInfo {
  const { electron, chrome, node, v8 } = versions;
  const named = { Electron: electron, Chromium: chrome, 'Node.js': node, V8: v8 };
  return {
    name: manifest.productName,
    version: manifest.version,
    host,
    versions: Object.fromEntries(Object.entries(named).filter((entry): entry is [string, string] => Boolean(entry[1]))),
    runtimeNote: electron === undefined ? null : runtimeNote(electron, manifest.devDependencies.electron),
    license: manifest.license,
    dataFolder,
  };
}

/**
 * @param running Electron's version.
 * @param pinned The version in package.json: a version, or a range of its minor versions (`^45.4.1`, `~45.4.1`).
 * @returns null when they agree
 */
export function runtimeNote(running: string, pinned: string): string | null {
  const wanted = pinned.replace(/^[\^~]/, '');
  const [major, minor, patch] = numbers(running);
  const [wantedMajor, wantedMinor, wantedPatch] = numbers(wanted);
  const notOlder = minor > wantedMinor || (minor === wantedMinor && patch >= wantedPatch);
  if (pinned === wanted ? running === wanted : major === wantedMajor && notOlder) return null;
  return (
    `Fallback runtime: using Electron ${running}, because ${wanted} could not be downloaded. ` +
    'The app works the same, but lacks the newer version’s security fixes.'
  );
}

function numbers(version: string): [number, number, number] {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return [major, minor, patch];
}
