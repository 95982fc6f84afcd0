import { afterEach, expect, it, vi } from 'vitest';
import { deleteEmpty } from './signing-variables.ts';

afterEach(() => void vi.unstubAllEnvs());

const SIGNING = ['CSC_LINK', 'CSC_NAME', 'APPLE_API_KEY', 'APPLE_ID', 'APPLE_TEAM_ID'];

/** The part for macOS with these variables and no other ones. */
async function macWith(variables: Readonly<Record<string, string>>) {
  for (const name of SIGNING) vi.stubEnv(name, variables[name]);
  vi.resetModules();
  return (await import('../../electron-builder.config.ts')).default.mac;
}

it('without a certificate, the app for macOS has an ad hoc signature and no hardened runtime', async () => {
  expect(await macWith({})).toMatchObject({ identity: '-', hardenedRuntime: false, notarize: false });
  expect(await macWith({ CSC_LINK: '', CSC_NAME: '' })).toMatchObject({ identity: '-', hardenedRuntime: false });
});

it('with a certificate, it has the hardened runtime, and is notarised if there is a key', async () => {
  for (const variables of [{ CSC_LINK: 'x' }, { CSC_LINK: '', CSC_NAME: 'x' }]) {
    const mac = await macWith(variables);
    expect(mac).toMatchObject({ hardenedRuntime: true, notarize: false });
    expect(mac).not.toHaveProperty('identity');
  }
  const account = { APPLE_ID: 'a', APPLE_TEAM_ID: 'b' };
  expect(await macWith({ CSC_LINK: 'x', APPLE_API_KEY: '', ...account })).toMatchObject({ notarize: true });
  expect(await macWith({ CSC_LINK: 'x', APPLE_API_KEY: 'key.p8' })).toMatchObject({ notarize: true });
});

it('empty variables are deleted before the build', () => {
  const env = { CSC_LINK: '', CSC_NAME: 'x', WIN_CSC_LINK: '', APPLE_API_KEY: '', OTHER: '', MY_CSC_LINK: '' };
  deleteEmpty(env);
  expect(env).toEqual({ CSC_NAME: 'x', OTHER: '', MY_CSC_LINK: '' });
});
