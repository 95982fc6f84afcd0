import { describe, expect, it } from 'vitest';
import { openDawn } from './gpu.ts';

const MISSING = 'tokenscope-has-no-such-package';

describe('WebGPU in Node', () => {
  it('says how to install it when it is missing', async () => {
    await expect(openDawn(MISSING, {})).rejects.toMatchObject({
      code: 'BACKEND_LOST',
      message: expect.stringContaining('npm install --no-save webgpu') as string,
    });
  });

  it('says that the terminal of the app has none, whatever is installed', async () => {
    const opening = openDawn(MISSING, { electron: '33.2.1' });
    await expect(opening).rejects.toMatchObject({
      code: 'BACKEND_LOST',
      message: expect.stringContaining('The terminal of the installed app has no webgpu executor') as string,
    });
  });
});
