/**
 * The system packages that the tests need: a browser, a virtual display and the libraries that Electron loads. As root on
 * Debian or Ubuntu this installs missing packages; elsewhere it lists them.
 *
 *   npx tsx scripts/system-packages.ts
 */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { findChromium } from './lib/chromium.ts';
import { capture } from './lib/run.ts';

/**
 * Alternative names of one package, the older Debian name first; releases with 64-bit time on 32-bit ports renamed some.
 */
const LIBRARIES = [
  ['libgtk-3-0', 'libgtk-3-0t64'],
  ['libnss3'],
  ['libasound2', 'libasound2t64'],
  ['libgbm1'],
  ['libxss1'],
];
/** A display, fonts, and what checks packages. */
const TEST_TOOLS = [
  ['xvfb'],
  // Chinese and Japanese: without a font, Chromium looks for one at every character, for 0.1 ms.
  ['fonts-droid-fallback'],
  ...['rpm', 'nsis', 'appstream', 'desktop-file-utils'].map((name) => [name]),
  ['p7zip-full', '7zip'],
];

/**
 * Installs missing packages if that is allowed.
 * @returns what is still missing afterwards, one line each; empty if nothing is
 */
export async function ensureSystemPackages(say: (line: string) => void): Promise<string[]> {
  const chromiumMissing = findChromium() === null;
  if (process.platform !== 'linux') return chromiumMissing ? [CHROMIUM_ADVICE] : [];
  if (!existsSync('/usr/bin/dpkg-query')) return await missingElsewhere(chromiumMissing);

  return await ensurePackages([...LIBRARIES, ...TEST_TOOLS, ...(chromiumMissing ? [['chromium']] : [])], say);
}

/**
 * As above, for any packages of Debian.
 * @param groups alternative names of each, the older one first
 */
export async function ensurePackages(groups: string[][], say: (line: string) => void): Promise<string[]> {
  if (!existsSync('/usr/bin/dpkg-query')) return [];
  const missing = await missingPackages(groups);
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0) {
    return [`run as root: apt-get install ${(await Promise.all(missing.map(nameHere))).join(' ')}`];
  }
  await install(missing, say);
  const left = await missingPackages(missing);
  return left.map(([name]) => (name === 'chromium' ? CHROMIUM_ADVICE : `the package ${name} could not be installed`));
}

/** A command that installs what Electron needs with a display; null when this is not Debian-like. */
export function electronLibrariesAdvice(): string | null {
  if (!existsSync('/usr/bin/apt-get')) return null;
  return `apt-get install ${LIBRARIES.map(([name]) => name).join(' ')} (some names end in t64 on newer releases)`;
}

const CHROMIUM_ADVICE =
  'a Chromium or Chrome: install one, run "npx playwright install chromium", or set TOKENSCOPE_CHROMIUM to its program';

async function missingElsewhere(chromiumMissing: boolean): Promise<string[]> {
  const missing = chromiumMissing ? [CHROMIUM_ADVICE] : [];
  const xvfb = await capture('sh', ['-c', 'command -v Xvfb']);
  if (xvfb.code !== 0) missing.push('Xvfb (package xvfb, xorg-x11-server-Xvfb or xorg-server-xvfb)');
  return missing;
}

async function missingPackages(groups: string[][]): Promise<string[][]> {
  // Exits with 1 if any name is unknown; the lines for the others are still right.
  const { stdout } = await capture('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\\n', ...groups.flat()]);
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return groups.filter((names) => !names.some((name) => installed.has(name)));
}

/** This release's name of a package. */
async function nameHere(names: string[]): Promise<string> {
  for (const name of [...names].reverse()) {
    const { stdout } = await capture('apt-cache', ['show', '--no-all-versions', name]);
    if (stdout.includes('Version:')) return name;
  }
  return names[0]!;
}

async function install(groups: string[][], say: (line: string) => void): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = async (args: string[]) => await capture('apt-get', ['-qq', ...args], { env });
  const installNow = async () => {
    const names = await Promise.all(groups.map(nameHere));
    return await apt(['install', '-y', '--no-install-recommends', ...names]);
  };
  say(`installing system packages: ${groups.map(([name]) => name).join(' ')}`);
  // The package lists may be good enough; updating them takes longer than most installs.
  if ((await installNow()).code === 0) return;
  await apt(['update']);
  const result = await installNow();
  if (result.code !== 0) say(`apt-get: ${result.stderr.trim().split('\n')[0] ?? 'failed'}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const missing = await ensureSystemPackages((line) => process.stderr.write(`tokenscope: ${line}\n`));
  for (const line of missing) process.stderr.write(`tokenscope: the tests need ${line}\n`);
  process.exitCode = missing.length > 0 ? 1 : 0;
}
