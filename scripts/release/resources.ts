/** Files that are made for a release, in out/.dist: licences, AppStream metadata. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { root } from '../lib/run.ts';
import { bundledPackages, type BundledPackage } from './bundled-packages.ts';
import { NOTICES_FILE, thirdPartyLicences } from './notices.ts';

/** electron-builder.config.ts takes the files from here. */
const MADE_FOLDER = join(root, 'out', '.dist');
const METAINFO = 'app.tokenscope.Tokenscope.metainfo.xml';

/** Of the app that is being built; package.json has the only version. */
export interface AppRelease {
  version: string;
  date: Date;
}

export const release = (): AppRelease => ({ version: manifest.version, date: releaseDate() });

/** SOURCE_DATE_EPOCH, seconds, for builds that can be repeated. */
function releaseDate(): Date {
  const { SOURCE_DATE_EPOCH } = process.env;
  return SOURCE_DATE_EPOCH ? new Date(Number(SOURCE_DATE_EPOCH) * 1000) : new Date();
}

/** @returns the packages in the built app */
export async function makeResources({ version, date }: AppRelease): Promise<BundledPackage[]> {
  await mkdir(MADE_FOLDER, { recursive: true });
  const packages = await bundledPackages(root);
  await writeFile(join(MADE_FOLDER, NOTICES_FILE), await thirdPartyLicences(root, packages));
  const template = await readFile(join(root, 'build', 'linux', METAINFO), 'utf8');
  const metainfo = template.replace('@VERSION@', version).replace('@DATE@', date.toISOString().slice(0, 10));
  await writeFile(join(MADE_FOLDER, METAINFO), metainfo);
  return packages;
}
