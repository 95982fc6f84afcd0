/** A deb and an rpm with a small payload, from the command line that electron-builder gives to fpm. */
import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import config from '../../electron-builder.config.ts';
import manifest from '../../package.json' with { type: 'json' };
import { capture, root } from '../lib/run.ts';
import { buildPackage } from './build-package.ts';
import { debControl, ownEntries, readFpmArguments, rpmSpec } from './package-spec.ts';

const linux = (name: string) => join(root, 'build', 'linux', name);
const isThere = (command: string) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;

let folder: string;
/** As electron-builder's FpmTarget writes them. */
let fpmArguments: (format: 'deb' | 'rpm', output: string) => string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenscope-packages-'));
  const app = join(folder, 'app');
  await mkdir(join(app, 'resources', 'bin'), { recursive: true });
  for (const name of ['tokenscope', 'chrome-sandbox', 'resources/bin/tokenscope']) {
    await writeFile(join(app, name), '#!/bin/sh\n', { mode: 0o700 });
  }
  await writeFile(join(app, 'resources', 'app.asar'), 'code', { mode: 0o600 });
  const desktop = join(folder, 'tokenscope.desktop');
  await writeFile(desktop, '[Desktop Entry]\n');
  const scripts = await Promise.all(
    ['after-install.sh', 'after-remove.sh'].map(async (name) => {
      const text = await readFile(linux(name), 'utf8');
      const path = join(folder, name);
      await writeFile(path, text.replace(/\$\{executable\}/g, 'tokenscope').replace(/\$\{\w+\}/g, 'Tokenscope'));
      return path;
    }),
  );
  fpmArguments = (format, output) => {
    const { depends = [], fpm = [] } = config[format] as { depends?: string[]; fpm?: string[] };
    return [
      ...['-s', 'dir', '--force', '-t', format, ...depends.flatMap((name) => ['-d', name])],
      ...(format === 'deb' ? ['--deb-compression', 'none', '--deb-priority', 'optional'] : []),
      ...(format === 'rpm' ? ['--rpm-os', 'linux', '--rpm-compression', 'none', '--rpm-summary', 'Tokens'] : []),
      ...['--architecture', 'amd64', '--after-install', scripts[0]!, '--after-remove', scripts[1]!],
      ...['--description', format === 'rpm' ? 'Long text' : 'Tokens\n Long text', '--version', '1.2.3'],
      ...['--package', output, '--name', 'tokenscope', '--maintainer', 'A <a@b.example>', '--vendor', 'A'],
      ...['--url', 'https://a.example', '--category', 'science', '--license', 'MIT'],
      ...fpm.filter((file) => !file.includes('metainfo')),
      `${app}/=/opt/Tokenscope`,
      `${join(root, 'build/icons/16x16.png')}=/usr/share/icons/hicolor/16x16/apps/tokenscope.png`,
      `${desktop}=/usr/share/applications/tokenscope.desktop`,
    ];
  };
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const FILES = [
  '/opt/Tokenscope/chrome-sandbox',
  '/opt/Tokenscope/resources/app.asar',
  '/opt/Tokenscope/resources/bin/tokenscope',
  '/opt/Tokenscope/tokenscope',
  '/usr/bin/tokenscope',
  '/usr/share/applications/tokenscope.desktop',
  '/usr/share/icons/hicolor/16x16/apps/tokenscope.png',
  '/usr/share/mime/packages/app.tokenscope.gguf.xml',
];

describe.skipIf(!isThere('dpkg-deb'))('the deb', () => {
  let deb: string;
  beforeAll(async () => {
    deb = join(folder, 'tokenscope.deb');
    await buildPackage(readFpmArguments(fpmArguments('deb', deb)));
  });

  it('has the files, readable for everybody and owned by root', async () => {
    const { stdout } = await capture('dpkg-deb', ['--contents', deb]);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/\s+/));
    const files = rows.filter(([mode]) => !mode!.startsWith('d'));
    expect(files.map((row) => row[5]!.replace(/^\./, '')).sort()).toEqual(FILES);
    for (const [mode, owner] of rows) {
      expect(mode).toMatch(/^[-d]r[w-][x-]r-[x-]r-[x-]$/);
      expect(owner).toBe('root/root');
    }
    expect(files.find((row) => row[5] === './usr/bin/tokenscope')?.[0]).toBe('-rwxr-xr-x');
  });

  it('says what it is and needs', async () => {
    const { stdout } = await capture('dpkg-deb', ['--field', deb]);
    for (const line of ['Package: tokenscope', 'Version: 1.2.3', 'Architecture: amd64', 'Section: science']) {
      expect(stdout).toContain(`${line}\n`);
    }
    expect(stdout).toMatch(/^Depends: .*libgtk-3-0 \| libgtk-3-0t64.*libnss3/m);
    expect(stdout).toContain('Description: Tokens\n Long text\n');
  });

  it('has scripts that a shell accepts, without electron-builder’s placeholders', async () => {
    const control = join(folder, 'control');
    expect((await capture('dpkg-deb', ['--control', deb, control])).code).toBe(0);
    for (const name of ['postinst', 'postrm']) {
      const path = join(control, name);
      expect((await stat(path)).mode & 0o777).toBe(0o755);
      expect((await capture('sh', ['-n', path])).stderr).toBe('');
      expect(await readFile(path, 'utf8')).not.toMatch(/\$\{[a-zA-Z]+\}/);
    }
    expect(await readFile(join(control, 'md5sums'), 'utf8')).toContain('  opt/Tokenscope/tokenscope\n');
  });

  it('does nothing while it is replaced', async () => {
    const script = join(folder, 'after-remove.sh');
    await chmod(script, 0o755);
    for (const why of ['upgrade', 'failed-upgrade', '1']) {
      expect(await capture('sh', ['-x', script, why])).toMatchObject({
        code: 0,
        stderr: expect.not.stringMatching('update-') as string,
      });
    }
  });
});

describe.skipIf(!isThere('rpmbuild'))('the rpm', () => {
  let rpm: string;
  beforeAll(async () => {
    rpm = join(folder, 'tokenscope.rpm');
    await buildPackage(readFpmArguments(fpmArguments('rpm', rpm)));
  });
  const query = async (...args: string[]) =>
    (await capture('rpm', ['--dbpath', join(folder, 'db'), '--query', '--package', ...args, rpm])).stdout.trim();

  it('has the files, and owns only its own folders', async () => {
    const lines = (await query('--queryformat', '[%{FILEMODES:perms} %{FILENAMES}\\n]')).split('\n');
    const files = lines.filter((line) => !line.startsWith('d')).map((line) => line.split(' ')[1]);
    expect(files.sort()).toEqual(FILES);
    const folders = lines.filter((line) => line.startsWith('d')).map((line) => line.split(' ')[1]);
    expect(folders.sort()).toEqual(['', '/resources', '/resources/bin'].map((name) => `/opt/Tokenscope${name}`));
  });

  it('says what it is and needs', async () => {
    expect(await query('--queryformat', '%{NAME} %{VERSION} %{ARCH} %{SUMMARY}')).toBe(
      'tokenscope 1.2.3 x86_64 Tokens',
    );
    const requires = await query('--requires');
    expect(requires).toContain('libgtk-3.so.0()(64bit)');
    // The app's own libraries are for itself.
    expect(await query('--provides')).not.toContain('.so');
  });
});

describe('what packages say', () => {
  it('reads fpm’s arguments, and names a missing one', () => {
    const spec = readFpmArguments(fpmArguments('deb', '/tmp/a.deb'));
    expect(spec).toMatchObject({ format: 'deb', summary: 'Tokens', description: 'Long text', compression: 'none' });
    expect(spec.sources.at(-1)?.to).toBe('/usr/share/applications/tokenscope.desktop');
    expect(() => readFpmArguments(['-t', 'deb', '--description', 'a'])).toThrow(
      'fpm: the argument --package is missing',
    );
    expect(() => readFpmArguments(['-t', 'pacman'])).toThrow('pacman packages are not supported');
  });

  it('keeps empty lines of descriptions, as Debian writes them', () => {
    const spec = { ...readFpmArguments(fpmArguments('deb', '/tmp/a.deb')), description: 'One\n\nTwo' };
    expect(debControl(spec, 1)).toContain('\n One\n .\n Two\n');
  });

  it('keeps percent signs in scripts from rpm', () => {
    const spec = readFpmArguments(fpmArguments('rpm', '/tmp/a.rpm'));
    expect(rpmSpec(spec, [], { afterInstall: 'date +%s', afterRemove: '' })).toContain('\ndate +%%s\n');
  });

  it('owns files anywhere, but folders of its own only', () => {
    const paths = ['opt/', 'opt/Tokenscope/', 'opt/Tokenscope/locales/', 'usr/', 'usr/bin/', 'usr/bin/tokenscope'];
    expect(ownEntries(paths)).toEqual(['opt/Tokenscope/', 'opt/Tokenscope/locales/', 'usr/bin/tokenscope']);
  });
});

describe('metadata', () => {
  it.skipIf(!isThere('appstreamcli'))('passes AppStream’s check', async () => {
    const name = 'app.tokenscope.Tokenscope.metainfo.xml';
    const text = await readFile(linux(name), 'utf8');
    await writeFile(join(folder, name), text.replace('@VERSION@', manifest.version).replace('@DATE@', '2026-01-01'));
    const { code, stdout } = await capture('appstreamcli', ['validate', '--no-net', join(folder, name)]);
    expect(code, stdout).toBe(0);
  });

  it('names the desktop entry, the type and the scheme alike everywhere', async () => {
    const metainfo = await readFile(linux('app.tokenscope.Tokenscope.metainfo.xml'), 'utf8');
    expect(metainfo).toContain(`<launchable type="desktop-id">${manifest.desktopName}</launchable>`);
    expect(await readFile(linux('app.tokenscope.gguf.xml'), 'utf8')).toContain('<mime-type type="application/x-gguf">');
    expect(config.linux?.mimeTypes).toEqual(['application/x-gguf']);
    expect(config.protocols).toMatchObject([{ schemes: ['tokenscope'] }]);
  });

  it('finds models by their first bytes', async () => {
    expect(await readFile(linux('app.tokenscope.gguf.xml'), 'utf8')).toContain('offset="0" value="GGUF"');
  });
});
