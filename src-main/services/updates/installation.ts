/** How this app was installed, and so how it is updated. */
import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';

export type Installation =
  /** A file, or a folder, that is replaced. */
  | { kind: 'AppImage' | 'tar.gz'; target: string; program: string }
  /** A program that installs. */
  | { kind: 'exe' }
  /** @property reason why it does not update itself, and what to do, for people */
  | { kind: 'other'; reason: string };

export interface RunningInstallation {
  platform: NodeJS.Platform;
  isPackaged: boolean;
  execPath: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether a file exists. */
  exists(path: string): boolean;
}

/** Where deb and rpm install. */
const PACKAGE_FOLDER = '/opt/Tokenscope/';

export function installationOf({ platform, isPackaged, execPath, env, exists }: RunningInstallation): Installation {
  if (!isPackaged) return { kind: 'other', reason: 'Built from source. Update the source instead.' };
  if (platform === 'linux') {
    if (execPath.startsWith(PACKAGE_FOLDER)) {
      return { kind: 'other', reason: 'Installed by a package manager, which updates it too.' };
    }
    const appImage = appImageOf(execPath, env);
    if (appImage !== null) return { kind: 'AppImage', target: appImage, program: appImage };
    return { kind: 'tar.gz', target: dirname(execPath), program: execPath };
  }
  const uninstaller = `${execPath.slice(0, execPath.lastIndexOf('\\'))}\\Uninstall Tokenscope.exe`;
  if (platform === 'win32' && exists(uninstaller)) return { kind: 'exe' };
  return { kind: 'other', reason: 'Download the new version from the project’s page and replace this one.' };
}

/** @returns the AppImage that this program runs from; null for one that another AppImage started, which inherits its variables */
export function appImageOf(execPath: string, { APPIMAGE, APPDIR }: RunningInstallation['env']): string | null {
  if (APPIMAGE === undefined || APPDIR === undefined) return null;
  return execPath.startsWith(`${withoutLinks(APPDIR)}/`) ? APPIMAGE : null;
}

/** As in the path of a running program: `/tmp` may be a link. */
function withoutLinks(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Name of the release's file for this installation. */
export function fileNameFor(kind: string, version: string, platform: NodeJS.Platform, arch: string): string {
  const system = platform === 'win32' ? 'win' : platform === 'darwin' ? 'mac' : 'linux';
  return `tokenscope-${version}-${system}-${arch}.${kind}`;
}
