import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSignedList } from '../../src-main/services/updates/signed-list.ts';
import { temporaryFolder } from '../../src-main/services/test-support/support.ts';
import { signedList } from './signed-list.ts';

const { publicKey, privateKey: key } = generateKeyPairSync('ed25519');
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

test('the app reads what is signed here: the files that update themselves, with their hashes', async () => {
  const folder = await temporaryFolder();
  const names = ['linux-x64.AppImage', 'linux-x64.deb', 'linux-x64.tar.gz', 'win-x64.exe'];
  for (const name of names) await writeFile(join(folder, `tokenscope-1.2.3-${name}`), 'abc');
  await writeFile(join(folder, 'tokenscope-1.2.2-linux-x64.AppImage'), 'old');
  const { list, signature } = await signedList({ folder, version: '1.2.3', notes: 'New.', key });
  const release = readSignedList(Buffer.from(list), signature, pem);
  expect(release).toMatchObject({ version: '1.2.3', notes: 'New.' });
  expect(release.files.map(({ name }) => name)).toEqual([
    'tokenscope-1.2.3-linux-x64.AppImage',
    'tokenscope-1.2.3-linux-x64.tar.gz',
    'tokenscope-1.2.3-win-x64.exe',
  ]);
  // SHA-256 of "abc", from FIPS 180-2.
  const sha256 = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect(release.files[0]).toMatchObject({ bytes: 3, sha256 });
  await expect(signedList({ folder, version: '9.9.9', notes: '', key })).rejects.toThrow('no installers');
  // What the app would refuse must not be published.
  const long = 'x'.repeat(20_001);
  await expect(signedList({ folder, version: '1.2.3', notes: long, key })).rejects.toThrow('not valid');
});
