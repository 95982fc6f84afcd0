/** Runs inside Electron's page: the times of the loaded model's operations. */
import type { Profile, ProfileParams } from '../../src-main/engine/api/types.ts';
import type { TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import { EngineClient } from '../../src-main/protocol/engine/client.ts';
import { engineTransport } from './engine-transport.ts';

async function profileModel(params: ProfileParams): Promise<Profile> {
  const { tokenscope } = window as Window & { tokenscope?: TokenscopeBridge };
  const client = new EngineClient(await engineTransport(tokenscope!));
  try {
    return await client.call('profile', params);
  } finally {
    client.close();
  }
}

Object.assign(window, { profileModel });
