import { expect, it } from 'vitest';
import { BENCH_HOST_SWITCH } from '../../../protocol/app/start-switches.ts';
import { ownProgram } from './bench-programs.ts';

const HOST = '/app.asar/out/main/bench-host.js';
const env = { LANG: 'C' };

it('runs the measured script in Node, and in Electron that runs as Node', () => {
  for (const execPath of ['/usr/bin/node', '/opt/electron/electron']) {
    expect(ownProgram(HOST, { execPath, env })).toEqual({ command: execPath, args: [HOST], env });
  }
  const inDevelopment = { execPath: '/opt/electron/electron', env, type: 'browser', defaultApp: true };
  expect(ownProgram(HOST, inDevelopment).args).toEqual([HOST]);
});

it('starts the packaged app without its window, as the tool itself is started', () => {
  const { command, args } = ownProgram(HOST, { execPath: '/opt/Tokenscope/tokenscope', env, type: 'browser' });
  expect(command).toBe('/opt/Tokenscope/tokenscope');
  // The address of the caller's socket follows.
  expect(args).toEqual([BENCH_HOST_SWITCH, '--no-sandbox', '--no-zygote', '--log-level=3', '--']);
});
