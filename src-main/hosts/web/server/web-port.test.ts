import { mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { writeJson } from '../../../services/json-file.ts';
import { newHolder } from '../../../services/lock-holder.ts';
import { deadPid } from '../../../services/test-support/processes.ts';
import { temporaryFolder } from '../../../services/test-support/support.ts';
import { isFree, runningPort, stoppedPort, storePort } from './web-port.ts';

test('the port is known while the host runs and after it has stopped, and only its owner can read it', async () => {
  const folder = join(await temporaryFolder(), 'data');
  const path = join(folder, 'web-port');
  const ports = async () => ({ running: await runningPort(folder), stopped: await stoppedPort(folder) });
  const isPrivate = async () => process.platform === 'win32' || ((await stat(path)).mode & 0o777) === 0o600;
  expect(await ports()).toEqual({ running: null, stopped: null });
  const stop = await storePort(folder, 4318);
  expect(await ports()).toEqual({ running: 4318, stopped: null });
  expect(await readdir(folder)).toEqual(['web-port']);
  expect(await isPrivate()).toBe(true);
  await stop();
  await stop();
  expect(await ports()).toEqual({ running: null, stopped: 4318 });
  expect(await readdir(folder)).toEqual(['web-port']);
  expect(await isPrivate()).toBe(true);
});

test('a host that stops does not change the port of a later one', async () => {
  const folder = await temporaryFolder();
  const first = await storePort(folder, 4317);
  const second = await storePort(folder, 4318);
  await first();
  expect(await runningPort(folder)).toBe(4318);
  await second();
  expect(await runningPort(folder)).toBeNull();
  expect(await stoppedPort(folder)).toBe(4318);
});

test('a host stops although its port cannot be stored', async () => {
  const folder = await temporaryFolder();
  const stop = await storePort(folder, 4317);
  await rm(join(folder, 'web-port'));
  await mkdir(join(folder, 'web-port'));
  await stop();
});

test('a port is free unless a program listens on it', async () => {
  const program = createServer();
  await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve));
  const { port } = program.address() as AddressInfo;
  expect(await isFree(port)).toBe(false);
  await new Promise((resolve) => program.close(resolve));
  expect(await isFree(port)).toBe(true);
  // It is free afterwards, too.
  expect(await isFree(port)).toBe(true);
});

test('the file of a host that was killed, or a damaged one, names no running host', async () => {
  const folder = await temporaryFolder();
  const killed = { ...newHolder('web'), token: 'killed', pid: deadPid(), port: 4317 };
  const beforeReboot = { ...killed, boot: 'other' };
  const files = [JSON.stringify(killed), JSON.stringify(beforeReboot), '{"port":4317}'];
  for (const text of [...files, '', '{"port":4317', '{"port":"4317"}', '{"port":0}', 'null']) {
    await writeFile(join(folder, 'web-port'), text);
    expect(await runningPort(folder), text).toBeNull();
    expect(await stoppedPort(folder), text).toBe(files.includes(text) ? 4317 : null);
  }
});

test('a folder that cannot store the port reports the reason', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'web-port'));
  await expect(storePort(folder, 4317)).rejects.toMatchObject({ code: 'STORAGE' });
});

test('a start does not wait until the disk has the port', async () => {
  const folder = await temporaryFolder();
  const handle = await open(join(folder, 'any'), 'w');
  const sync = vi.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'sync');
  onTestFinished(() => sync.mockRestore());
  await handle.close();
  sync.mockRejectedValue(new Error('It waited.'));
  await storePort(folder, 4318);
  expect(await runningPort(folder)).toBe(4318);
  await expect(writeJson(join(folder, 'other'), {})).rejects.toThrow('It waited.');
});
