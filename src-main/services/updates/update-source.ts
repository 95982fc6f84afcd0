import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { isDownloadAddress } from '../../protocol/app/fields.ts';
import type { Installation } from './installation.ts';
import type { UpdateSource } from './update-service.ts';

/** Path of a file that replaces the app's own; in a development build only. */
export const UPDATES_VARIABLE = 'TOKENSCOPE_UPDATES';

const schema = v.object({
  address: v.nullable(v.pipe(v.string(), v.check(isDownloadAddress, 'Expected an https address'))),
  key: v.nullable(v.string()),
  /** An AppImage that stands for this program, for tests. */
  appImage: v.optional(v.string()),
});

export interface UpdateConfiguration {
  /** Null if the build has none. */
  source: UpdateSource | null;
  installation: Installation;
}

/**
 * Where updates are and who signs them, from a file of the app.
 * @param replacement path of a development build's own file
 * @throws Error for an invalid file
 */
export function readUpdateConfiguration(
  path: string,
  installation: Installation,
  replacement: string | undefined,
): UpdateConfiguration {
  const { address, key, appImage } = v.parse(schema, JSON.parse(readFileSync(replacement ?? path, 'utf8')));
  const source = address === null || key === null ? null : { address, key };
  if (replacement === undefined || appImage === undefined) return { source, installation };
  return { source, installation: { kind: 'AppImage', target: appImage, program: appImage } };
}
