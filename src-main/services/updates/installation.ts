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
  /** Whether files in a folder may be created and renamed. */
  isWritable(folder: string): boolean;
}

/** Where deb and rpm put the app; they put the command line tool in the path too. */
export const PACKAGE_FOLDER = '/opt/Tokenscope/';

export function installationOf(running: RunningInstallation): Installation {
  const { platform, isPackaged, execPath, env, exists, isWritable } = running;
  if (!isPackaged) return { kind: 'other', reason: 'Built from source. Update the source instead.' };
  if (platform === 'linux') {
    if (execPath.startsWith(PACKAGE_FOLDER)) {
      const reason =
        'Installed as a package. Update it with your package manager, or install the new version’s package.';
      return { kind: 'other', reason };
    }
    const appImage = appImageOf(execPath, env);
    const target = appImage ?? dirname(execPath);
    const folder = dirname(target);
    if (!isWritable(folder)) {
      return { kind: 'other', reason: `You cannot write to ${folder}. Update Tokenscope the way it was installed.` };
    }
    if (appImage !== null) return { kind: 'AppImage', target, program: appImage };
    return { kind: 'tar.gz', target, program: execPath };
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
