/** "Install command line tool": a small script in a folder of the user that starts the tool in the app. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, posix, win32 } from 'node:path';
import { CLI_SWITCH, PAGELESS_SWITCHES } from '../protocol/app/start-switches.ts';
import { codeOf } from '../services/json-file.ts';
import { appImageOf, PACKAGE_FOLDER } from '../services/updates/installation.ts';

/** Marks our script, which may be replaced. */
const MARK = 'Installed by Tokenscope.';

export interface InstalledApp {
  platform: NodeJS.Platform;
  isPackaged: boolean;
  execPath: string;
  resourcesPath: string;
  home: string;
  env: Readonly<Record<string, string | undefined>>;
}

export interface ToolScript {
  folder: string;
  path: string;
  content: string;
  /** Why it would not work, for people. */
  problem?: string;
}

/** @returns null if a package has installed the tool, or if this is no installed app */
export function toolScript(app: InstalledApp): ToolScript | null {
  const { platform, isPackaged, execPath, resourcesPath, home, env } = app;
  if (!isPackaged) return null;
  if (platform === 'win32') {
    // In the path of every user.
    const local = env.LOCALAPPDATA ?? win32.join(home, 'AppData', 'Local');
    const folder = win32.join(local, 'Microsoft', 'WindowsApps');
    const target = win32.join(resourcesPath, 'bin', 'tokenscope.cmd');
    // A variable, because `cmd` reads the file in a code page that may lack letters of the user's name.
    const start =
      below(target, local, '%LOCALAPPDATA%') ??
      below(target, env.USERPROFILE ?? home, '%USERPROFILE%') ??
      escaped(target);
    const content = `@rem ${MARK}\r\n@"${start}" %*\r\n`;
    const script = { folder, path: win32.join(folder, 'tokenscope.cmd'), content };
    const foreign = /\P{ASCII}/u.exec(start)?.[0];
    if (foreign === undefined) return script;
    const advice = 'Move Tokenscope to another folder, then try again.';
    return {
      ...script,
      problem: `Command files cannot contain “${foreign}”, but this path does: ${resourcesPath}. ${advice}`,
    };
  }
  if (platform === 'linux' && execPath.startsWith(PACKAGE_FOLDER)) return null;
  const folder = posix.join(home, '.local', 'bin');
  // An AppImage is mounted elsewhere at each start.
  const appImage = appImageOf(execPath, env);
  const start =
    appImage === null
      ? quoted(posix.join(resourcesPath, 'bin', 'tokenscope'))
      : [quoted(appImage), CLI_SWITCH, ...PAGELESS_SWITCHES, '--'].join(' ');
  return {
    folder,
    path: posix.join(folder, 'tokenscope'),
    content: `#!/bin/sh\n# ${MARK}\nexec ${start} "$@"\n`,
  };
}

/** @returns what was done, for people @throws Error for people if another program has that name, or if it would not work */
export async function installTool(script: ToolScript, path: string): Promise<{ message: string; detail: string }> {
  if (script.problem !== undefined) throw new Error(script.problem);
  const before = await readFile(script.path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (before !== null && !before.includes(MARK)) {
    throw new Error(`${script.path} already exists and is not Tokenscope’s. Rename it, then try again.`);
  }
  await mkdir(script.folder, { recursive: true });
  await writeFile(script.path, script.content);
  // Also if it was there before.
  await chmod(script.path, 0o755);
  const inPath = path.split(delimiter).includes(script.folder);
  return {
    message: 'The command line tool is installed.',
    detail: inPath
      ? `Run “tokenscope” in a terminal. It is in ${script.folder}.`
      : `Add ${script.folder} to your PATH, then run “tokenscope” in a terminal.`,
  };
}

/** @returns a path for a command file that begins with a variable; null if it is not in the variable's folder */
function below(path: string, folder: string, variable: string): string | null {
  const [start, rest] = [path.slice(0, folder.length), path.slice(folder.length)];
  // Windows ignores case.
  if (start.toLowerCase() !== folder.toLowerCase() || !rest.startsWith('\\')) return null;
  return `${variable}${escaped(rest)}`;
}

/** For a command file of Windows. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
