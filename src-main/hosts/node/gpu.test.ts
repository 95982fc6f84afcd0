import { expect, it } from 'vitest';
import { openDawn } from './gpu.ts';

it('says how to install WebGPU when it is missing', async () => {
  const opening = openDawn('tokenscope-has-no-such-package');
  await expect(opening).rejects.toMatchObject({
    code: 'BACKEND_LOST',
    message: expect.stringContaining('npm install --no-save webgpu') as string,
  });
});
