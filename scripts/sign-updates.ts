/**
 * Makes `dist/updates.json` and its signature from the installers in `dist/`:
 *
 *     TOKENSCOPE_UPDATE_KEY=FILE npm run sign-updates -- --notes FILE
 *     npm run sign-updates -- --new-key FILE     makes the key, and prints what belongs into resources/updates.json
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import { root } from './lib/run.ts';
import { signedList } from './release/signed-list.ts';

const { values } = parseArgs({ options: { notes: { type: 'string' }, 'new-key': { type: 'string' } } });
const newKey = values['new-key'];

if (newKey !== undefined) {
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(newKey, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  const key = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();
  process.stdout.write(`${JSON.stringify({ address: 'https://…', key })}\n`);
} else {
  const { TOKENSCOPE_UPDATE_KEY: keyPath } = process.env;
  if (keyPath === undefined || values.notes === undefined) {
    throw new Error('Set TOKENSCOPE_UPDATE_KEY to the file of the private key, and give --notes FILE.');
  }
  const key = createPrivateKey(await readFile(keyPath));
  const notes = await readFile(values.notes, 'utf8');
  const { list, signature } = await signedList({ folder: join(root, 'dist'), version: manifest.version, notes, key });
  await writeFile(join(root, 'dist', 'updates.json'), list);
  await writeFile(join(root, 'dist', 'updates.json.sig'), signature);
  process.stdout.write('Upload dist/updates.json, dist/updates.json.sig and the installers into one folder.\n');
}
