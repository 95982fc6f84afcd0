import { existsSync } from 'node:fs';
import { dist } from '../../scripts/dist.ts';
import { ensurePackages } from '../../scripts/system-packages.ts';
import { ownDisplay } from '../support/display.ts';
import { prepareBase } from './clean-root.ts';
import { installer, TARGETS } from './installers.ts';

/** Tools of the machine that runs the tests. */
const TOOLS = [['debootstrap'], ['rpm'], ['xvfb'], ['fuse3'], ['binutils'], ['squashfs-tools'], ['xdotool']];

/** Builds what is missing: the packages, and the clean Debian with the libraries that they need. */
export default async function setup(): Promise<() => void> {
  if (process.getuid?.() !== 0)
    throw new Error('Run this as root: it makes a clean Debian and installs packages in it.');
  const missing = await ensurePackages(TOOLS, console.log);
  if (missing.length > 0) throw new Error(missing.join('\n'));
  if (!TARGETS.every((target) => existsSync(installer(target)))) await dist();
  await prepareBase(installer('deb'), console.log);
  return await ownDisplay();
}
