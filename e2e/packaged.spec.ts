import { extractFile, listPackage } from '@electron/asar';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import type { Page } from '@playwright/test';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sandboxProblem } from '../scripts/lib/processes.ts';
import { capture, root } from '../scripts/lib/run.ts';
import { ChatPage } from './pages/chat.ts';
import { connectToWindow, DEBUGGER } from './support/debugger.ts';
import { ELECTRON_ORIGIN } from './support/electron-app.ts';
import { Guard } from './support/guard.ts';
import { leftOver, processTree } from './support/processes.ts';
import { SHORT_BENCH, SHORT_BENCH_RATES } from './support/short-bench.ts';
import { expect, test } from './support/test.ts';

// The packaged app is started, not the built one.
test.use({ freshApp: true });

const app = join(root, 'dist', 'linux-unpacked');
const program = join(app, 'tokenscope');
const archive = join(app, 'resources', 'app.asar');

test.describe('the packaged app', () => {
  test.skip(process.platform !== 'linux', 'it is packaged and started on Linux only');

  test.beforeAll(async () => {
    // It builds and packs the app.
    test.setTimeout(300_000);
    const { code, stdout, stderr } = await capture(process.execPath, ['--import', 'tsx', 'scripts/package.ts']);
    expect(code, `${stdout}${stderr}`).toBe(0);
  });

  test('has its fuses set', async () => {
    const on = Object.entries(await getCurrentFuseWire(program))
      .filter(([key, state]) => key in FuseV1Options && state === FuseState.ENABLE)
      .map(([fuse]) => FuseV1Options[Number(fuse)]);
    expect(on.sort()).toEqual(['EnableEmbeddedAsarIntegrityValidation', 'OnlyLoadAppFromAsar']);
  });

  test('contains what it needs and nothing else', () => {
    const files = listPackage(archive, { isPack: false });
    for (const path of [
      '/out/main/start.js',
      '/out/main/index.js',
      '/out/main/cli.js',
      '/out/main/bench-host.js',
      '/out/main/bench-worker.js',
      '/out/main/ceilings-thread.js',
      '/out/main/utility.js',
      '/out/main/engine-worker.js',
      '/out/preload/preload.cjs',
      '/out/renderer/index.html',
      '/resources/models/tiny-transformer/model.safetensors',
    ]) {
      expect(files).toContain(path);
    }
    expect(files.filter((path) => /node_modules|\.test\.|\.map$|src-main/.test(path))).toEqual([]);
    expect(existsSync(join(app, 'resources', 'default_app.asar'))).toBe(false);
    const manifest = JSON.parse(extractFile(archive, 'package.json').toString()) as { main: string };
    expect(manifest.main).toBe('out/main/start.js');
  });

  test('measures a model from the terminal, without a window', async ({ dataDir }) => {
    const tool = join(app, 'resources', 'bin', 'tokenscope');
    const env = { ...process.env, DISPLAY: '', WAYLAND_DISPLAY: '', TOKENSCOPE_DATA_DIR: dataDir };
    const { code, stdout, stderr } = await capture(tool, SHORT_BENCH, { env });
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(SHORT_BENCH_RATES);
  });

  test('starts and answers', async ({ dataDir }) => {
    const guard = new Guard();
    const args = [DEBUGGER, ...(sandboxProblem() ? ['--no-sandbox'] : [])];
    const child = spawn(program, args, {
      env: { ...process.env, TOKENSCOPE_DATA_DIR: dataDir },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    try {
      const browser = await connectToWindow(child);
      const context = browser.contexts()[0]!;
      guard.watch(context, ELECTRON_ORIGIN);
      const page: Page = context.pages()[0] ?? (await context.waitForEvent('page'));
      const chat = new ChatPage(page);
      await chat.ready();
      expect((await chat.ask('Hello world')).reason).toMatch(/^(eos|max_tokens|repetition)$/);
      await expect(chat.lastText).not.toBeEmpty();
      const pids = await processTree(child.pid!);
      await browser.close();
      child.kill('SIGTERM');
      await ended;
      expect(await leftOver(pids), 'processes that outlived the app').toEqual([]);
    } finally {
      child.kill('SIGKILL');
    }
    expect(guard.problems()).toEqual([]);
  });
});
