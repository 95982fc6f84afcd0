import fs from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { sha256OfFile } from '../models/sha256-file.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { applyUpdate } from './apply-update.ts';
import { syncVersion } from './trial.ts';

/** Records calls of Node's functions, which other modules import by name. */
function watchFiles() {
  const watched = {
    open: vi.spyOn(fs, 'openSync'),
    sync: vi.spyOn(fs, 'fsync'),
    rename: vi.spyOn(fs, 'renameSync'),
  };
  syncBuiltinESMExports();
  onTestFinished(() => {
    for (const spy of Object.values(watched)) spy.mockRestore();
    syncBuiltinESMExports();
  });
  return watched;
}

test.skipIf(process.platform === 'win32')('every file of a version is written to the disk', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'resources', 'empty'), { recursive: true });
  const files = [join(folder, 'resources', 'app.asar'), join(folder, 'tokenscope')];
  for (const path of files) await writeFile(path, 'new');
  await symlink('missing', join(folder, 'link'));
  const { open, sync } = watchFiles();
  await syncVersion(folder);
  expect(open.mock.calls.map(([path]) => path).toSorted()).toEqual(files);
  expect(sync).toHaveBeenCalledTimes(files.length);
});

test.skipIf(process.platform === 'win32')('an update is on the disk before it replaces the old version', async () => {
  const folder = await temporaryFolder();
  const [file, target] = [join(folder, 'update'), join(folder, 'Tokenscope.AppImage')];
  await writeFile(file, '#!/bin/sh\necho 0.2.0\n');
  await writeFile(target, 'old');
  const update = { version: '0.2.0', file, sha256: await sha256OfFile(file) };
  const installation = { kind: 'AppImage', target, program: target } as const;
  const { sync, rename } = watchFiles();
  await applyUpdate(update, { dataFolder: join(folder, 'data'), currentVersion: '0.1.0', installation });
  expect(sync).toHaveBeenCalledOnce();
  expect(rename).toHaveBeenCalledWith(`${target}.new`, target);
  expect(sync.mock.invocationCallOrder[0]).toBeLessThan(rename.mock.invocationCallOrder[0]);
});
