import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './support.ts';

/** A small disk, or why there is none. */
export async function smallDisk(): Promise<{ folder: string; problem: string | null }> {
  const folder = await temporaryFolder();
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', folder], { encoding: 'utf8' });
  if (mounted.status !== 0) return { folder, problem: mounted.stderr || String(mounted.error) };
  onTestFinished(() => void spawnSync('umount', ['-l', folder]));
  return { folder, problem: null };
}
