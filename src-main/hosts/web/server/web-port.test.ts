import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newHolder } from '../../../services/lock-holder.ts';
import { deadPid } from '../../../services/test-support/processes.ts';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { runningPort, storePort } from './web-port.ts';

test('the port is stored while the host runs, and only its owner can read it', async () => {
  const folder = join(await temporaryFolder(), 'data');
  expect(await runningPort(folder)).toBeNull();
  const remove = await storePort(folder, 4318);
  expect(await runningPort(folder)).toBe(4318);
  expect(await readdir(folder)).toEqual(['web-port']);
  if (process.platform !== 'win32') expect((await stat(join(folder, 'web-port'))).mode & 0o777).toBe(0o600);
  await remove();
  await remove();
  expect(await runningPort(folder)).toBeNull();
  expect(await readdir(folder)).toEqual([]);
});

test('a host that stops does not remove the port of a later one', async () => {
  const folder = await temporaryFolder();
  const first = await storePort(folder, 4317);
  const second = await storePort(folder, 4318);
  await first();
  expect(await runningPort(folder)).toBe(4318);
  await second();
  expect(await runningPort(folder)).toBeNull();
});

test('the file of a host that was killed, or a damaged one, names no port', async () => {
  const folder = await temporaryFolder();
  const killed = { ...newHolder('web'), token: 'killed', pid: deadPid(), port: 4317 };
  const beforeReboot = { ...killed, boot: 'other' };
  const files = [JSON.stringify(killed), JSON.stringify(beforeReboot), '{"port":4317}'];
  for (const text of [...files, '', '{"port":4317', '{"port":"4317"}', '{"port":0}', 'null']) {
    await writeFile(join(folder, 'web-port'), text);
    expect(await runningPort(folder), text).toBeNull();
  }
});

test('a folder that cannot store the port reports the reason', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'web-port'));
  await expect(storePort(folder, 4317)).rejects.toMatchObject({ code: 'STORAGE' });
});
