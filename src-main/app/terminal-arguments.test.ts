import { expect, it } from 'vitest';
import { BENCH_HOST_SWITCH } from '../protocol/app/start-switches.ts';
import { terminalArguments } from './terminal-arguments.ts';

it('gives what follows -- to the command line tool', () => {
  const argv = ['/opt/Tokenscope/tokenscope', '--cli', '--no-zygote', '--', 'run', '--', '-x', '--seed', '1'];
  expect(terminalArguments(argv)).toEqual(['run', '--', '-x', '--seed', '1']);
});

it('runs the tool without arguments', () => {
  expect(terminalArguments(['tokenscope', '--cli'])).toEqual([]);
  expect(terminalArguments(['tokenscope', '--cli', '--'])).toEqual([]);
});

it('opens the window otherwise', () => {
  expect(terminalArguments(['tokenscope'])).toBeNull();
  expect(terminalArguments(['tokenscope', 'model.gguf'])).toBeNull();
  // After `--` it is an argument, not a switch.
  expect(terminalArguments(['tokenscope', '--', '--cli'])).toBeNull();
});

it('gives what follows -- to the process that is measured, which is not the tool', () => {
  const argv = ['tokenscope', BENCH_HOST_SWITCH, '--no-sandbox', '--', '/tmp/socket'];
  expect(terminalArguments(argv)).toBeNull();
  expect(terminalArguments(argv, BENCH_HOST_SWITCH)).toEqual(['/tmp/socket']);
  // `tokenscope run --bench-host` only names it.
  expect(terminalArguments(['tokenscope', '--cli', '--', 'run', BENCH_HOST_SWITCH], BENCH_HOST_SWITCH)).toBeNull();
});
