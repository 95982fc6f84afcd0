/** Updates of the AppImage and the archive from a local server: version 0.0.1 to the current one, and back from one that fails. */
import { expect, test } from '@playwright/test';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { capture } from '../../scripts/lib/run.ts';
import { startUpdateServer, type UpdateServer } from '../support/update-server.ts';
import { cleanRoot, hasFuse, USER, type CleanRoot } from './clean-root.ts';
import { startInstalled, type InstalledApp } from './installed-app.ts';
import { installer, VERSION } from './installers.ts';
import { otherVersion, type OtherVersion, type PortableFormat } from './other-version.ts';

const OLD = '0.0.1';
const BROKEN = '9.0.0';
const asUser = { asUser: true };

let work: string;
let root: CleanRoot;
let server: UpdateServer | undefined;

test.beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), 'tokenscope-updates-'));
  root = await cleanRoot();
});
test.afterEach(async () => {
  await server?.close();
  server = undefined;
  await endProcesses();
  await root.dispose();
  await rm(work, { recursive: true, force: true });
});

/** What starts an installed app, and its environment. */
interface Installed {
  program: string;
  env: Record<string, string>;
}

async function make(name: string, version: OtherVersion): Promise<string> {
  const folder = join(work, name);
  await capture('mkdir', [folder]);
  return await otherVersion(folder, version);
}

async function install(format: PortableFormat, path: string): Promise<Installed> {
  if (format === 'AppImage') {
    const program = `${USER.home}/Tokenscope.AppImage`;
    await root.add(path, program);
    await root.must(['chmod', '755', program]);
    return { program, env: hasFuse() ? {} : { APPIMAGE_EXTRACT_AND_RUN: '1' } };
  }
  await root.add(path, 'tmp/app.tar.gz');
  await root.must(['tar', '-xzf', '/tmp/app.tar.gz', '-C', USER.home], asUser);
  const [folder = ''] = (await root.must(['sh', '-c', 'ls -d tokenscope-*/'], asUser)).split('\n');
  return { program: `${USER.home}/${folder}tokenscope`, env: {} };
}

/** As in resources/updates.json. */
function sourceOf({ address, key }: UpdateServer): { address: string; key: string } {
  return { address, key };
}

async function versionOf({ program, env }: Installed): Promise<string> {
  const command = [program, '--cli', '--no-sandbox', '--no-zygote', '--log-level=3', '--', '--version'];
  return (await root.must(command, { asUser: true, env })).trim();
}

/** As a person does in the settings. */
async function downloadUpdate({ chat }: InstalledApp, version: string, notes: string): Promise<void> {
  await chat.id('open-settings').click();
  await expect(chat.id('update-text')).toHaveText('Not checked yet.');
  expect(server?.requests).toEqual([]);
  await chat.id('update-check').click();
  await expect(chat.id('update-text')).toHaveText(`Tokenscope ${version} is available.`);
  await expect(chat.id('update-notes')).toHaveText(notes);
  await chat.id('update-download').click();
  await expect(chat.id('update-text')).toHaveAttribute('data-phase', 'ready', { timeout: 60_000 });
}

for (const format of ['AppImage', 'tar.gz'] as const) {
  test(`${format}: an update is offered, downloaded, installed on quit, and keeps chats`, async () => {
    const notes = 'Faster replies.\nWindows are restored.';
    server = await startUpdateServer({ folder: dirname(installer(format)), version: VERSION, notes });
    const app = await install(format, await make('old', { format, version: OLD, updates: sourceOf(server) }));
    expect(await versionOf(app)).toBe(OLD);
    const old = await startInstalled(root, [app.program], app.env);
    await old.chat.ready();
    await old.chat.ask('Hello world');
    await downloadUpdate(old, VERSION, notes);
    // Not before it quits.
    expect(await versionOf(app)).toBe(OLD);
    await old.quit();

    expect(await versionOf(app)).toBe(VERSION);
    const next = await startInstalled(root, [app.program], app.env);
    await next.chat.ready();
    await expect(next.chat.id('chat-item')).toHaveCount(1);
    expect((await next.chat.ask('Hello again')).text).not.toBe('');
    expect((await next.seccomp()).get('renderer'), 'the page runs in the sandbox').toBe(2);
    // It has started, so the old one is not needed any more.
    const previous = format === 'AppImage' ? app.program : dirname(app.program);
    await expect.poll(() => existsSync(join(root.path, `${previous}.previous`))).toBe(false);
    await next.quit();
    const left = (await root.must(['ls', '-A'], asUser))
      .split('\n')
      .filter((name) => /\.(new|previous|failed)$/.test(name));
    expect(left).toEqual([]);
  });
}

for (const format of ['AppImage', 'tar.gz'] as const) {
  test(`${format}: a version that does not start is replaced by the old one, if a person wants that`, async () => {
    const broken = await make('broken', { format, version: BROKEN, isBroken: true });
    server = await startUpdateServer({ folder: dirname(broken), version: BROKEN, notes: 'It does not start.' });
    const app = await install(format, await make('old', { format, version: OLD, updates: sourceOf(server) }));
    const options = { asUser: true, env: app.env };
    const old = await startInstalled(root, [app.program], app.env);
    await old.chat.ready();
    await old.chat.ask('Hello world');
    await downloadUpdate(old, BROKEN, 'It does not start.');
    await old.quit();
    expect(await versionOf(app)).toBe(BROKEN);

    const failed = root.start([app.program], options);
    expect((await once(failed, 'exit'))[0]).toBe(1);
    const asking = root.start([app.program], options);
    await answerDialog('Return');
    await once(asking, 'exit');
    await expect.poll(() => versionOf(app), { timeout: 20_000 }).toBe(OLD);
    // The dialog has started it again.
    await expect.poll(async () => (await pidsOf(app.program)).length, { timeout: 20_000 }).toBeGreaterThan(0);
    await endProcesses();

    const again = await startInstalled(root, [app.program], app.env);
    await again.chat.ready();
    await expect(again.chat.id('chat-item')).toHaveCount(1);
    await again.quit();
  });
}

/** Presses a key in the system dialog that is open. */
async function answerDialog(key: string): Promise<void> {
  await expect
    .poll(async () => (await capture('xdotool', ['search', '--onlyvisible', '--name', '.'])).stdout.trim(), {
      timeout: 20_000,
    })
    .not.toBe('');
  const found = (await capture('xdotool', ['search', '--onlyvisible', '--name', '.'])).stdout.trim().split('\n');
  // Without a window manager, nothing gives it the focus.
  await capture('xdotool', ['windowfocus', '--sync', found.at(-1) ?? '', 'key', '--clearmodifiers', key]);
}

/** Processes of the app that a test has started, by their programs' names. */
async function pidsOf(program: string): Promise<number[]> {
  const { stdout } = await capture('pgrep', ['--full', `^${program}`]);
  return stdout.split('\n').filter(Boolean).map(Number);
}

/** Ends apps that restarted themselves, and waits for them. */
async function endProcesses(): Promise<void> {
  const asked = new Set<number>();
  const left = async () => {
    const pids = await pidsOf(`${USER.home}/`);
    // Also an app that a helper has started since.
    for (const pid of pids.filter((one) => !asked.has(one))) {
      asked.add(pid);
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // It followed its main process.
      }
    }
    return pids.length;
  };
  await expect.poll(left, { timeout: 20_000 }).toBe(0);
}
