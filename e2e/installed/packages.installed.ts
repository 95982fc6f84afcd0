/** The deb and the rpm: installed, used, updated and removed. */
import { expect, test, type Page } from '@playwright/test';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AppMethodName, AppMethods } from '../../src-main/protocol/app/app-services.ts';
import { writeTinyModel } from '../support/model-files.ts';
import { SHORT_BENCH, SHORT_BENCH_RATES } from '../support/short-bench.ts';
import { cleanRoot, USER, type CleanRoot } from './clean-root.ts';
import { startInstalled } from './installed-app.ts';
import { installer, VERSION } from './installers.ts';
import { PREVIOUS_VERSION, previousVersion } from './previous.ts';

const APP = '/opt/Tokenscope/tokenscope';
const MAX_INSTALLED_MIB = 230;

interface Manager {
  install(path: string): string[];
  update(path: string): string[];
  version: string[];
  remove: string[];
  /** Where it records what is installed. */
  records: RegExp;
}

const MANAGERS: Record<'deb' | 'rpm', Manager> = {
  deb: {
    install: (path) => ['dpkg', '--install', path],
    update: (path) => ['dpkg', '--install', path],
    version: ['dpkg-query', '--show', '--showformat=${Version}', 'tokenscope'],
    remove: ['dpkg', '--purge', 'tokenscope'],
    records: /^var\/lib\/dpkg\//,
  },
  rpm: {
    // Debian's libraries are unknown to rpm: a test of their own looks for them.
    install: (path) => ['rpm', '--install', '--nodeps', path],
    update: (path) => ['rpm', '--upgrade', '--nodeps', path],
    version: ['rpm', '--query', '--queryformat', '%{VERSION}', 'tokenscope'],
    remove: ['rpm', '--erase', 'tokenscope'],
    // On Debian, rpm keeps its database in the home folder.
    records: /^(var\/lib\/rpm|root\/\.rpmdb)(\/|$)/,
  },
};

for (const format of ['deb', 'rpm'] as const) {
  const manager = MANAGERS[format];

  test.describe.serial(format, () => {
    let root: CleanRoot;
    let before: string[];
    const asUser = { asUser: true };

    test.beforeAll(async () => {
      root = await cleanRoot();
      const models = await mkdtemp(join(tmpdir(), 'tokenscope-models-'));
      await root.add(await writeTinyModel(models), `${USER.home}/first model.gguf`);
      await root.add(await writeTinyModel(models), `${USER.home}/second.gguf`);
      await root.add(await writeTinyModel(models), `${USER.home}/weights.bin`);
      before = await root.paths();
    });
    test.afterAll(async () => {
      await stopInstalled();
      await root.dispose();
    });

    test('the previous version installs', async () => {
      await root.add(await previousVersion(format), `tmp/previous.${format}`);
      await root.must(manager.install(`/tmp/previous.${format}`));
      expect(await root.must(manager.version)).toBe(PREVIOUS_VERSION);
      // User namespaces work here, so nothing has to start as root.
      expect(await root.must(['stat', '--format=%a %U', '/opt/Tokenscope/chrome-sandbox'])).toBe('755 root\n');
    });

    test('it starts in the sandbox and answers', async () => {
      const app = await startInstalled(root, [APP]);
      await app.chat.ready();
      expect((await app.chat.ask('Hello world')).reason).toMatch(/^(eos|max_tokens|repetition)$/);
      await expect(app.chat.lastText).not.toBeEmpty();
      expect((await app.seccomp()).get('renderer'), 'the page runs in the sandbox').toBe(2);
      await invoke(app.page, 'settingsSet', { theme: 'dark' });
      await app.quit();
    });

    test('the update keeps chats and settings', async () => {
      await root.add(installer(format), `tmp/current.${format}`);
      await root.must(manager.update(`/tmp/current.${format}`));
      expect(await root.must(manager.version)).toBe(VERSION);
      const app = await startInstalled(root, [APP]);
      await app.chat.ready();
      expect((await invoke(app.page, 'settingsGet')).theme).toBe('dark');
      expect((await invoke(app.page, 'chatsList')).map(({ title }) => title)).toEqual(['Hello world']);
      await app.quit();
    });

    test('model files and links open in the running app', async () => {
      const app = await startInstalled(root, [APP]);
      await app.chat.ready();
      await open(root, `${USER.home}/first model.gguf`);
      await expect.poll(() => loadedModel(app.page)).toBe(`${USER.home}/first model.gguf`);
      await open(root, 'tokenscope://ask?text=What%20is%20a%20token%3F');
      await expect(app.chat.id('composer')).toHaveValue('What is a token?');
      // Nobody sent it.
      await expect(app.chat.replies).toHaveCount(0);
      await app.quit();
    });

    test('a model file starts the app', async () => {
      await open(root, `${USER.home}/second.gguf`);
      // Settings are written when the model is loaded.
      await expect.poll(() => storedModel(root), { timeout: 60_000 }).toBe(`${USER.home}/second.gguf`);
      await stopInstalled();
    });

    test('model files are recognised by their first bytes', async () => {
      const { stdout } = await root.run(
        ['gio', 'info', '--attributes=standard::content-type', `${USER.home}/weights.bin`],
        asUser,
      );
      expect(stdout).toContain('application/x-gguf');
      expect(await root.must(['xdg-mime', 'query', 'default', 'application/x-gguf'], asUser)).toBe(
        'tokenscope.desktop\n',
      );
    });

    test('the command line tool works without a display', async () => {
      const env = { DISPLAY: '' };
      expect(await root.must(['tokenscope', '--version'], { asUser: true, env })).toBe(`${VERSION}\n`);
      const json = await root.must(['tokenscope', 'run', 'Hello world', '--greedy', '--max-tokens', '5', '--json'], {
        asUser: true,
        env,
      });
      expect(JSON.parse(json)).toMatchObject({ stop: { reason: 'max_tokens' } });
      const wrong = await root.run(['tokenscope', 'no-such-command'], { asUser: true, env });
      expect(wrong.code).toBe(2);
      expect(wrong.stderr).toMatch(/^tokenscope: /);
    });

    test('a benchmark opens no window, without a display, and leaves no process', async () => {
      const json = await root.must(['tokenscope', ...SHORT_BENCH], { asUser: true, env: { DISPLAY: '' } });
      expect(JSON.parse(json)).toMatchObject(SHORT_BENCH_RATES);
      expect(await installedPids()).toEqual([]);
    });

    test('a slow reader gets all that the command line tool prints', async () => {
      // More than a pipe holds, and little enough that the tool does not wait.
      const lines = 1850;
      const script = `yes '"a"' | head -n ${lines} | tokenscope tokenize --jsonl --no-bos | (sleep 3; wc -l)`;
      expect(await root.must(['sh', '-c', script], { asUser: true, env: { DISPLAY: '' } })).toBe(`${lines}\n`);
    });

    test('it is as small as it should be, and its libraries are there', async () => {
      const [kib = ''] = (await root.must(['du', '-sk', '/opt/Tokenscope'])).split('\t');
      expect(Number(kib) / 1024).toBeLessThan(MAX_INSTALLED_MIB);
      const { stdout } = await root.run(['ldd', APP]);
      expect(stdout).not.toContain('not found');
      if (format === 'rpm') {
        const required = await root.must(['rpm', '--query', '--requires', 'tokenscope']);
        const libraries = [...required.matchAll(/^(\S+)\(\)\(64bit\)$/gm)].map(([, name]) => name!);
        expect(libraries.length).toBeGreaterThan(3);
        const known = await root.must(['ldconfig', '--print-cache']);
        for (const name of libraries) expect(known).toContain(name);
      }
    });

    test('removing it leaves the profile and nothing else', async () => {
      await root.must(manager.remove);
      const left = (await root.paths()).filter((path) => !before.includes(path));
      const others = left.filter((path) => !isOthers(path, manager) && !isSharedFolder(path));
      expect(others.filter((path) => !path.startsWith(USER.home.slice(1)))).toEqual([]);
      expect(others.some((path) => path.endsWith('settings.json'))).toBe(true);
      const gone = before.filter((path) => !existsSync(join(root.path, path)) && !isOthers(path, manager));
      // Links may lead nowhere outside of the root.
      expect(gone.filter((path) => !path.startsWith('proc') && path.includes('okenscope'))).toEqual([]);
    });
  });
}

/** As a double click does. The app that it starts must not keep this process's pipes open. */
async function open(root: CleanRoot, target: string): Promise<void> {
  await root.must(['sh', '-c', 'exec gio open "$0" >/dev/null 2>&1', target], { asUser: true });
}

/** What the package manager and the desktop keep for themselves. */
function isOthers(path: string, { records }: Manager): boolean {
  return records.test(path) || /^(tmp|var\/cache|var\/log|var\/lib\/apt|run)\//.test(path);
}

/** rpm removes only what a package owns, and leaves folders that many packages share. */
function isSharedFolder(path: string): boolean {
  return /^usr\/share\/(icons|metainfo|mime|applications)\b[^.]*$/.test(path) && !path.includes('tokenscope');
}

async function invoke<M extends AppMethodName>(
  page: Page,
  method: M,
  ...params: AppMethods[M]['params']
): Promise<AppMethods[M]['result']> {
  const answer = await page.evaluate(
    async ([name, args]) =>
      await (window as unknown as { tokenscope: { invoke(...all: unknown[]): Promise<unknown> } }).tokenscope.invoke(
        name,
        ...args,
      ),
    [method as string, params as unknown[]] as const,
  );
  if (!Object.hasOwn(answer as object, 'result')) throw new Error(JSON.stringify(answer));
  return (answer as { result: AppMethods[M]['result'] }).result;
}

/** Path of the model that the app has loaded. */
async function loadedModel(page: Page): Promise<string | null> {
  const { lastModelId } = await invoke(page, 'settingsGet');
  return (await invoke(page, 'modelsList')).find(({ id }) => id === lastModelId)?.path ?? null;
}

/** The same, from the files of the profile. */
async function storedModel(root: CleanRoot): Promise<string | null> {
  const folder = (await root.paths()).find(
    (path) => path.startsWith(USER.home.slice(1)) && path.endsWith('settings.json'),
  );
  if (folder === undefined) return null;
  const read = async (path: string) => JSON.parse(await readFile(join(root.path, path), 'utf8')) as unknown;
  const { lastModelId } = (await read(folder)) as { lastModelId?: string };
  const models = JSON.stringify(await read(folder.replace(/settings\.json$/, 'models.json')));
  const entry = new RegExp(`\\{[^{}]*"id":"${lastModelId ?? ''}"[^{}]*`).exec(models)?.[0] ?? '';
  return /"path":"([^"]*)"/.exec(entry)?.[1] ?? null;
}

/** Ends apps that the desktop started, and waits for them. */
async function stopInstalled(): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const pids = await installedPids();
    if (pids.length === 0) return;
    // The app's own processes follow it.
    if (tries % 50 === 0) for (const pid of pids) process.kill(pid, 'SIGTERM');
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** Processes of the app, and those that its command line tool has started. */
async function installedPids(): Promise<number[]> {
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.startsWith(APP)) pids.push(Number(name));
  }
  return pids;
}
