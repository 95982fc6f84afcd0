import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256OfFile } from '../models/sha256-file.ts';
import { temporaryFolder } from '../test-support/support.ts';
import { applyUpdate } from './apply-update.ts';

test.skipIf(process.platform === 'win32')(
  'an installer starts the app again if a person did while it quit',
  async () => {
    const folder = await temporaryFolder();
    const [file, args] = [join(folder, 'setup.exe'), join(folder, 'args')];
    await writeFile(file, `#!/bin/sh\necho "$@" > '${args}.new'\nmv '${args}.new' '${args}'\n`, { mode: 0o755 });
    const update = { version: '0.2.0', file, sha256: await sha256OfFile(file) };
    const options = { dataFolder: folder, currentVersion: '0.1.0', installation: { kind: 'exe' } } as const;
    const argumentsOfInstaller = async () => {
      await expect.poll(() => readFile(args, 'utf8').catch(() => null)).not.toBeNull();
      return await readFile(args, 'utf8');
    };
    expect(await applyUpdate(update, options)).toBe(true);
    expect(await argumentsOfInstaller()).toBe('/S --updated\n');
    await rm(args);
    expect(await applyUpdate(update, { ...options, restarts: () => true })).toBe(true);
    expect(await argumentsOfInstaller()).toBe('/S --updated --force-run\n');
  },
);

test.skipIf(process.platform === 'win32')('an installer that does not start is reported', async () => {
  const folder = await temporaryFolder();
  const file = join(folder, 'setup.exe');
  await writeFile(file, 'MZ');
  const update = { version: '0.2.0', file, sha256: await sha256OfFile(file) };
  const options = { dataFolder: folder, currentVersion: '0.1.0', installation: { kind: 'exe' } } as const;
  await expect(applyUpdate(update, options)).rejects.toMatchObject({ code: 'EACCES' });
});
