/** The bundle for macOS, as electron-builder makes it from an Electron that has everything but the code. */
import { build, Platform, Arch } from 'electron-builder';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import config, { signingNotes } from '../../electron-builder.config.ts';
import manifest from '../../package.json' with { type: 'json' };
import { root } from '../lib/run.ts';

const HELPERS = ['', ' (GPU)', ' (Plugin)', ' (Renderer)'].map((kind) => `Electron Helper${kind}`);

let folder: string;
let contents: string;
let plist: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenscope-mac-'));
  const project = join(folder, 'project');
  await mkdir(join(project, 'out', 'main'), { recursive: true });
  await writeFile(join(project, 'out', 'main', 'start.js'), 'export {};');
  await mkdir(join(project, 'out', '.dist'));
  await writeFile(join(project, 'out', '.dist', 'THIRD-PARTY-LICENCES.txt'), 'licences');
  await mkdir(join(project, 'resources'));
  for (const name of ['build', 'LICENSE', 'package.json']) {
    await cp(join(root, name), join(project, name), { recursive: true });
  }
  await build({
    projectDir: project,
    targets: Platform.MAC.createTarget('dir', Arch.x64),
    config: {
      ...config,
      electronDist: await emptyElectron(),
      electronVersion: '33.2.1',
      // There is no program whose fuses could be set.
      electronFuses: null,
      mac: { ...config.mac, identity: null },
    },
  });
  contents = join(project, 'dist', 'mac', 'Tokenscope.app', 'Contents');
  plist = await readFile(join(contents, 'Info.plist'), 'utf8');
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

/** Electron.app with its structure only. */
async function emptyElectron(): Promise<string> {
  const dist = join(folder, 'electron');
  await bundle(join(dist, 'Electron.app'), 'Electron');
  await mkdir(join(dist, 'Electron.app/Contents/Resources'), { recursive: true });
  for (const name of HELPERS) await bundle(join(dist, `Electron.app/Contents/Frameworks/${name}.app`), name);
  const framework = join(dist, 'Electron.app/Contents/Frameworks/Electron Framework.framework/Versions/A/Resources');
  for (const language of ['en', 'de']) {
    await mkdir(join(framework, `${language}.lproj`), { recursive: true });
    await writeFile(join(framework, `${language}.lproj`, 'locale.pak'), language);
  }
  return dist;
}

async function bundle(path: string, name: string): Promise<void> {
  await mkdir(join(path, 'Contents', 'MacOS'), { recursive: true });
  await writeFile(join(path, 'Contents', 'MacOS', name), '', { mode: 0o755 });
  const keys = {
    CFBundleExecutable: name,
    CFBundleIdentifier: `com.github.${name.replaceAll(' ', '.')}`,
    CFBundleName: name,
  };
  const rows = Object.entries(keys).map(([key, value]) => `<key>${key}</key><string>${value}</string>`);
  await writeFile(
    join(path, 'Contents', 'Info.plist'),
    `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd"><plist version="1.0"><dict>${rows.join('')}</dict></plist>`,
  );
}

/** Value of a key, if it is a text. */
const text = (key: string) => new RegExp(`<key>${key}</key>\\s*<string>([^<]*)</string>`).exec(plist)?.[1];

it('has the structure of an app', async () => {
  for (const path of [
    'MacOS/Tokenscope',
    'Resources/app.asar',
    'Resources/bin/tokenscope',
    'Resources/LICENSE.txt',
    'Resources/THIRD-PARTY-LICENCES.txt',
    'Frameworks/Tokenscope Helper.app/Contents/MacOS/Tokenscope Helper',
    'Frameworks/Tokenscope Helper (Renderer).app/Contents/MacOS/Tokenscope Helper (Renderer)',
  ]) {
    expect(existsSync(join(contents, path)), path).toBe(true);
  }
  expect((await stat(join(contents, 'Resources/bin/tokenscope'))).mode & 0o111).toBe(0o111);
});

it('says what it is and opens', () => {
  expect(text('CFBundleIdentifier')).toBe('app.tokenscope.Tokenscope');
  expect(text('CFBundleShortVersionString')).toBe(manifest.version);
  expect(text('CFBundleExecutable')).toBe('Tokenscope');
  expect(plist).toMatch(/<key>CFBundleTypeExtensions<\/key>\s*<array>\s*<string>gguf<\/string>/);
  expect(plist).toMatch(/<key>CFBundleURLSchemes<\/key>\s*<array>\s*<string>tokenscope<\/string>/);
});

it('has the hash of its code, which Electron compares', () => {
  expect(plist).toContain('<key>ElectronAsarIntegrity</key>');
  expect(plist).toContain('<key>Resources/app.asar</key>');
  expect(plist).toMatch(/<key>hash<\/key>\s*<string>[0-9a-f]{64}<\/string>/);
});

it('has the icon', async () => {
  const name = text('CFBundleIconFile')!;
  const icon = await readFile(join(contents, 'Resources', name));
  expect(icon.equals(await readFile(join(root, 'build', 'icon.icns')))).toBe(true);
});

it('may compile code at run time, and nothing else, under the hardened runtime', async () => {
  // The runtime is on in signed builds: signing-variables.test.ts.
  const path = 'build/mac/entitlements.plist';
  expect(config.mac).toMatchObject({ entitlements: path, entitlementsInherit: path });
  const entitlements = await readFile(join(root, path), 'utf8');
  expect([...entitlements.matchAll(/<key>([^<]+)<\/key>/g)].map(([, key]) => key)).toEqual([
    'com.apple.security.cs.allow-jit',
  ]);
});

it('says whether it is signed', () => {
  expect(signingNotes('darwin')).toEqual([
    expect.stringMatching(/^signing is (on|off: set CSC_LINK)/),
    expect.stringMatching(/^notarisation is (on|off: set APPLE_API_KEY)/),
  ]);
  expect(signingNotes('win32')).toEqual([expect.stringMatching(/^signing is (on|off: set WIN_CSC_LINK)/)]);
  expect(signingNotes('linux')).toEqual([]);
});
