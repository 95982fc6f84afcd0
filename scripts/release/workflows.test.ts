import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { capture, root } from '../lib/run.ts';

const folder = join(root, '.github', 'workflows');
const hasActionlint = spawnSync('actionlint', ['--version']).status === 0;

/** actionlint comes as a program of Go or a package of Python; where there is none, the test below still holds. */
it.skipIf(!hasActionlint)('actionlint has nothing to say', async () => {
  const names = (await readdir(folder)).map((name) => join(folder, name));
  const { code, stdout } = await capture('actionlint', names);
  expect(code, stdout).toBe(0);
});

it('the workflows run commands that exist', async () => {
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name), 'utf8');
    for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g)) {
      expect(Object.keys(manifest.scripts), name).toContain(script);
    }
    // Rights are given job by job.
    expect(text).toContain('permissions:\n  contents: read\n');
  }
});
