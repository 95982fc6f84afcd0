import { homedir, userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';

/** Set by a person or a test: the folder for chats and settings, which overrides the system's. It may be relative. */
export const DATA_DIR_VARIABLE = 'TOKENSCOPE_DATA_DIR';

/**
 * The folder for chats and settings, the same for every host: Electron's `userData`, computed without Electron so that
 * the web host finds the files too.
 */
export function dataFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  knownHome?: string,
): string {
  const chosen = env[DATA_DIR_VARIABLE];
  // Electron refuses relative paths.
  if (chosen) return isAbsolute(chosen) ? chosen : resolve(chosen);
  const home = knownHome ?? homeFolder();
  if (platform === 'win32') return join(env.APPDATA || join(home, 'AppData', 'Roaming'), 'Tokenscope');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Tokenscope');
  const config = env.XDG_CONFIG_HOME ?? '';
  // A relative path would depend on the current folder; the XDG standard says to ignore it.
  return join(isAbsolute(config) ? config : join(home, '.config'), 'Tokenscope');
}

/**
 * The user's home folder, also if `HOME` is empty or relative.
 * @throws Error when the system does not know it either
 */
export function homeFolder(fromEnvironment = homedir()): string {
  if (isAbsolute(fromEnvironment)) return fromEnvironment;
  const { homedir: home } = userInfo();
  if (isAbsolute(home)) return home;
  throw new Error(`No home folder was found. Set HOME or ${DATA_DIR_VARIABLE} to a folder.`);
}

/** Folder of the prefix cache, K and V of recent chats. */
export function prefixCacheFolder(folder: string): string {
  return join(folder, 'prefix-cache');
}

/** Path of the engine's stored measurements of this computer, the same for the app and the terminal. */
export function measurementsPath(folder: string): string {
  return join(folder, 'measurements.json');
}
