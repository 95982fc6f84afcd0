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

it('the key for notarisation is the path of a file, and only macOS gets the certificate for macOS', async () => {
  const text = await readFile(join(folder, 'release.yml'), 'utf8');
  expect(text).not.toMatch(/APPLE_API_KEY: /);
  expect(text).toContain('echo "APPLE_API_KEY=$RUNNER_TEMP/key.p8" >> "$GITHUB_ENV"');
  const uses = text.split('\n').filter((line) => line.includes('secrets.MAC_'));
  expect(uses).toHaveLength(2);
  for (const line of uses) expect(line).toContain("runner.os == 'macOS' &&");
});
