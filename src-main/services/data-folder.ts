import { homedir } from 'node:os';
import { join } from 'node:path';

/** Set by a person or a test: the folder for chats and settings, whatever the system says. */
export const DATA_DIR_VARIABLE = 'TOKENSCOPE_DATA_DIR';

/**
 * Where chats and settings lie, the same for every host: Electron's own choice (`userData`), worked out without
 * Electron so that the web host finds the files too.
 */
export function dataFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const chosen = env[DATA_DIR_VARIABLE];
  if (chosen) return chosen;
  if (platform === 'win32') return join(env.APPDATA || join(home, 'AppData', 'Roaming'), 'Tokenscope');
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Tokenscope');
  return join(env.XDG_CONFIG_HOME || join(home, '.config'), 'Tokenscope');
}

/** Where the engine keeps what it measured of this computer, the same for the app and the terminal. */
export function measurementsPath(folder: string): string {
  return join(folder, 'measurements.json');
}
