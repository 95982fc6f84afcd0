import { generateKeyPairSync, sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { isLater, readSignedList } from './signed-list.ts';

test('versions are compared by number', () => {
  expect(isLater('0.10.0', '0.9.9')).toBe(true);
  expect(isLater('1.0.0', '1.0.0')).toBe(false);
  expect(isLater('0.9.0', '1.0.0')).toBe(false);
});

test('a signed list with an unsafe file name is refused', () => {
  const list = Buffer.from(
    JSON.stringify({
      format: 1,
      version: '1.0.0',
      date: '',
      notes: '',
      files: [{ name: '../x', bytes: 1, sha256: 'a'.repeat(64) }],
    }),
  );
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  expect(() => readSignedList(list, sign(null, list, privateKey).toString('base64'), key)).toThrow('file name');
});
