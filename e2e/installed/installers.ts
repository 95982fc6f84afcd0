import { join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { TARGETS as ALL } from '../../scripts/release/targets.ts';
import { root } from '../../scripts/lib/run.ts';

export const TARGETS = ALL.linux;
export type Target = (typeof TARGETS)[number];

export const VERSION = manifest.version;

/** Path of a package that `npm run dist` has built; TOKENSCOPE_DIST has them elsewhere. */
export function installer(target: Target): string {
  const folder = process.env.TOKENSCOPE_DIST ?? join(root, 'dist');
  return join(folder, `tokenscope-${VERSION}-linux-${process.arch}.${target}`);
}
