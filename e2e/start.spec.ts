import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { npmCommand, root } from '../scripts/lib/run.ts';
import { leftOver, processTree } from './support/processes.ts';
import { expect, test } from './support/test.ts';

// `npm start` starts the app.
test.use({ freshApp: true });

test.skip(process.platform !== 'linux', 'looks at processes through /proc');

const ways: [way: string, tag: string[], end: (npm: ChildProcess) => void][] = [
  // What a terminal does: everything in the foreground hears it.
  ['Ctrl-C', [], ({ pid }) => process.kill(-pid!, 'SIGINT')],
  ['a SIGTERM to npm', ['@full'], ({ pid }) => process.kill(pid!, 'SIGTERM')],
];

for (const [way, tag, end] of ways) {
  test(`npm start exits with everything it started on ${way}`, { tag }, async ({ host, dataDir }) => {
    test.setTimeout(120_000);
    const options = host === 'web' ? ['--', '--web', '--port', '0'] : [];
    const { command, args } = npmCommand(['start', ...options]);
    const npm = spawn(command, args, {
      cwd: root,
      env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
    // A failure shows both.
    const seen = async () => [output, ...(await commandLines(npm.pid!))].join('\n');
    const isStarted = host === 'web' ? /at http:\/\/127\.0\.0\.1:\d+/ : /--type=renderer/;
    let tree: number[] = [];
    try {
      await expect.poll(seen, { timeout: 60_000 }).toMatch(isStarted);
      tree = await processTree(npm.pid!);
      expect(tree.length).toBeGreaterThan(2);
      end(npm);
      expect(await leftOver(tree)).toEqual([]);
      expect(output, 'errors on the way out').not.toMatch(/error|fatal/i);
    } finally {
      for (const pid of await leftOver([...tree, ...(await processTree(npm.pid!))], 0)) process.kill(pid, 'SIGKILL');
    }
  });
}

/** Of a process and its descendants. */
async function commandLines(pid: number): Promise<string[]> {
  const tree = await processTree(pid);
  const lines = await Promise.all(tree.map((one) => readFile(`/proc/${one}/cmdline`, 'utf8').catch(() => '')));
  return lines.map((line) => line.replaceAll('\0', ' '));
}
