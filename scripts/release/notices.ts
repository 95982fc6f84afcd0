/** The file with the licences of everything in the app that others have written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundledPackage } from './bundled-packages.ts';

export const NOTICES_FILE = 'THIRD-PARTY-LICENCES.txt';

/** Licences of parts of a package that differ from its own. */
const PARTS: Readonly<Record<string, readonly string[]>> = { 'pdfjs-dist': ['cmaps/LICENSE'] };

const RULE = '-'.repeat(80);

/** @throws Error that names a package without a licence file */
export async function thirdPartyLicences(projectRoot: string, packages: readonly BundledPackage[]): Promise<string> {
  const notices = await Promise.all(
    packages.map(async ({ name, version, license, folder }) => {
      const texts = await licenceTexts(join(projectRoot, folder));
      if (texts.length === 0) throw new Error(`${name} ${version} (${license}) has no licence file in ${folder}.`);
      const parts = (PARTS[name] ?? []).map(async (path) => await readFile(join(projectRoot, folder, path), 'utf8'));
      return [`${name} ${version} (${license})`, '', ...texts, ...(await Promise.all(parts))].join('\n');
    }),
  );
  const intro = [
    'Tokenscope contains the following software. Tokenscope itself is under the MIT licence.',
    '',
    'Electron, and Chromium and Node.js within it: LICENSE.electron.txt and LICENSES.chromium.html (.gz on Linux).',
  ].join('\n');
  return [intro, ...notices].join(`\n\n${RULE}\n\n`).concat('\n');
}

async function licenceTexts(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).sort();
  const read = async (name: string) => (await readFile(join(folder, name), 'utf8')).trim();
  const files = names.filter((name) => /^(licen[cs]e|copying|notice)(\.|-|$)/i.test(name));
  if (files.length > 0) return await Promise.all(files.map(read));
  // Some packages have it at the end of their README only.
  const readme = names.find((name) => /^readme/i.test(name));
  const section = readme === undefined ? null : /^#*\s*licen[cs]e\b[\s\S]*/im.exec(await read(readme));
  return section !== null && /permission is hereby granted/i.test(section[0]) ? [section[0]] : [];
}
