import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { createFile } from './new-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

it('gets its name when it is finished', async () => {
  const file = await createFile(join(folder, 'a.gguf'));
  await file.write(Uint8Array.of(97, 98));
  expect(await readdir(folder)).toEqual([expect.stringMatching(/^\.a\.gguf\.[0-9a-f]+\.part$/)]);
  await file.finish();
  await file.discard();
  expect(await readdir(folder)).toEqual(['a.gguf']);
  expect(await readFile(join(folder, 'a.gguf'), 'utf8')).toBe('ab');
});

it('is deleted when the process exits before that, and only then', async () => {
  const before = process.listeners('exit');
  const added = () => process.listeners('exit').filter((listener) => !before.includes(listener));
  const file = await createFile(join(folder, 'a.gguf'));
  const finished = await createFile(join(folder, 'b.gguf'));
  const [first] = added();
  await finished.finish();
  expect(added()).toEqual([first]);
  first?.(0);
  expect(await readdir(folder)).toEqual(['b.gguf']);
  await file.discard();
  expect(added()).toEqual([]);
});

it('does not collide with one that a killed process has left', async () => {
  const left = await createFile(join(folder, 'a.gguf'));
  const again = await createFile(join(folder, 'a.gguf'));
  expect(await readdir(folder)).toHaveLength(2);
  await again.finish();
  expect(await readdir(folder)).toContain('a.gguf');
  await left.discard();
});

it.each(['', 'new/', 'there/'])('is refused without a file name: "%s"', async (name) => {
  await mkdir(join(folder, 'there'));
  const path = name === '' ? '' : `${folder}/${name}`;
  await expect(createFile(path)).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: `"${path}" is not the path of a file. Add a file name.`,
  });
  expect(await readdir(folder)).toEqual(['there']);
});
