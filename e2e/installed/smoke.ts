/**
 * Tries the installer of this system on this system: installs it, runs the command line tool, opens the window, asks
 * something, removes it. For machines that are thrown away, as the release workflow has them.
 *
 *   node --import tsx e2e/installed/smoke.ts
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEBUGGER } from '../support/debugger.ts';
import { SHORT_BENCH } from '../support/short-bench.ts';
import { capture, root } from '../../scripts/lib/run.ts';
import { attach } from './installed-app.ts';
import { installer, VERSION } from './installers.ts';

interface System {
  install(): Promise<void>;
  program: string;
  /** Command and arguments. */
  tool: string[];
  remove(): Promise<void>;
  /** A file that a person put beside the program, which stays. */
  kept?: string;
}

const inDist = (name: string) => join(root, 'dist', `tokenscope-${VERSION}-${name}`);
const windowsFolder = join(process.env.LOCALAPPDATA ?? '', 'Programs', 'Tokenscope');
const macApp = join(homedir(), 'Applications', 'Tokenscope.app');

const SYSTEMS: Partial<Record<NodeJS.Platform, System>> = {
  linux: {
    install: () => must('sudo', ['apt-get', 'install', '--yes', installer('deb')]),
    program: '/opt/Tokenscope/tokenscope',
    tool: ['tokenscope'],
    remove: () => must('sudo', ['apt-get', 'remove', '--yes', 'tokenscope']),
  },
  win32: {
    async install() {
      await must(inDist('win-x64.exe'), ['/S']);
      await must('reg', ['query', String.raw`HKCU\Software\Classes\tokenscope`, '/v', 'URL Protocol']);
    },
    program: join(windowsFolder, 'Tokenscope.exe'),
    tool: ['cmd', '/c', join(windowsFolder, 'resources', 'bin', 'tokenscope.cmd')],
    remove: () => must(join(windowsFolder, 'Uninstall Tokenscope.exe'), ['/S', `_?=${windowsFolder}`]),
    kept: join(windowsFolder, 'models.txt'),
  },
  darwin: {
    async install() {
      const volume = '/Volumes/TokenscopeInstaller';
      await must('hdiutil', ['attach', inDist('mac-universal.dmg'), '-nobrowse', '-mountpoint', volume]);
      await must('ditto', [`${volume}/Tokenscope.app`, macApp]);
      await must('hdiutil', ['detach', volume]);
      await must('codesign', ['--verify', '--deep', '--strict', macApp]);
    },
    program: join(macApp, 'Contents', 'MacOS', 'Tokenscope'),
    tool: [join(macApp, 'Contents', 'Resources', 'bin', 'tokenscope')],
    remove: () => must('rm', ['-rf', macApp]),
  },
};

const system = SYSTEMS[process.platform];
assert(system, `There is no installer for ${process.platform}.`);
await system.install();
const [command = '', ...args] = system.tool;
const { stdout, stderr } = await capture(command, [...args, '--version']);
assert.equal(stdout.trim(), VERSION, stderr);
// It measures a second process of the app.
const bench = await capture(command, [...args, ...SHORT_BENCH]);
assert.equal(bench.code, 0, bench.stderr);
assert.match(bench.stdout, /"tokensPerSecond":\d/);

const app = await attach(spawn(system.program, [DEBUGGER], { stdio: ['ignore', 'pipe', 'pipe'] }));
await app.chat.ready();
const { text } = await app.chat.ask('Hello world');
assert.notEqual(text, '');
await app.quit();

if (system.kept !== undefined) writeFileSync(system.kept, 'kept');
await system.remove();
assert(system.kept === undefined || existsSync(system.kept), 'a file beside the program is gone');
assert(!existsSync(system.program), 'the program is still there');
console.log('Installed, answered and removed.');

async function must(program: string, options: string[]): Promise<void> {
  const { code, stdout: out, stderr: err } = await capture(program, options);
  assert.equal(code, 0, `${program} ${options.join(' ')}: ${out}${err}`);
}
