import { expect, test, vi } from 'vitest';
import { CLOSE_MS, Ending } from './ending.ts';

function setUp() {
  let stopped: (installs: boolean) => void = () => undefined;
  let answer: (discard: boolean) => void = () => undefined;
  const parts = {
    stop: vi.fn((_restarts: () => boolean) => new Promise<boolean>((resolve) => (stopped = resolve))),
    quit: vi.fn(),
    exit: vi.fn(),
    relaunch: vi.fn(),
    keep: vi.fn(),
    askToDiscard: vi.fn(() => new Promise<boolean>((resolve) => (answer = resolve))),
  };
  const event = () => ({ preventDefault: vi.fn() });
  const ending = new Ending<string>(parts);
  return {
    ...{ ending, parts, event },
    stopped: (installs = false) => stopped(installs),
    answer: (discard: boolean) => answer(discard),
  };
}
const settled = () => new Promise((resolve) => setTimeout(resolve));

test('exits once everything has stopped', async () => {
  const { ending, parts, event, stopped } = setUp();
  const [first, second] = [event(), event()];
  ending.onWillQuit(first);
  ending.onWillQuit(second);
  expect(parts.stop).toHaveBeenCalledTimes(1);
  for (const { preventDefault } of [first, second]) expect(preventDefault).toHaveBeenCalled();
  expect(parts.exit).not.toHaveBeenCalled();
  stopped();
  await settled();
  expect(parts.exit).toHaveBeenCalledExactlyOnceWith(0);
  expect(parts.relaunch).not.toHaveBeenCalled();
});

test('asks before it discards unsaved changes: stays on Cancel, quits on the other button', async () => {
  const { ending, parts, event, answer } = setUp();
  const first = event();
  ending.onPreventUnload(first, 'one');
  ending.onPreventUnload(event(), 'one');
  expect(parts.askToDiscard).toHaveBeenCalledTimes(1);
  // The window stays open meanwhile.
  expect(first.preventDefault).not.toHaveBeenCalled();
  answer(false);
  await settled();
  expect(parts.quit).not.toHaveBeenCalled();

  ending.onPreventUnload(event(), 'one');
  answer(true);
  await settled();
  expect(parts.quit).toHaveBeenCalledTimes(1);
  const last = event();
  ending.onPreventUnload(last, 'one');
  expect(last.preventDefault).toHaveBeenCalled();
  expect(parts.askToDiscard).toHaveBeenCalledTimes(2);
});

test('closing one of several windows discards its changes only', async () => {
  const { ending, parts, event, answer } = setUp();
  const close = vi.fn();
  ending.onPreventUnload(event(), 'two', close);
  expect(parts.askToDiscard).toHaveBeenCalledExactlyOnceWith('close', 'two');
  answer(true);
  await settled();
  expect(close).toHaveBeenCalledTimes(1);
  expect(parts.quit).not.toHaveBeenCalled();
  // The next window is asked about too.
  ending.onPreventUnload(event(), 'one');
  expect(parts.askToDiscard).toHaveBeenLastCalledWith('quit', 'one');
});

test('a signal shows no dialog, also while one is open, and a second signal does not wait', async () => {
  const { ending, parts, event } = setUp();
  ending.onPreventUnload(event(), 'one');
  ending.onSignal();
  expect(parts.quit).toHaveBeenCalledTimes(1);
  const unload = event();
  ending.onPreventUnload(unload, 'one');
  expect(unload.preventDefault).toHaveBeenCalled();
  ending.onWillQuit(event());
  expect(parts.exit).not.toHaveBeenCalled();
  ending.onSignal();
  expect(parts.exit).toHaveBeenCalledExactlyOnceWith(1);
});

test('after a signal, the app ends although a page never closes', async () => {
  vi.useFakeTimers();
  try {
    const { ending, parts, event, stopped } = setUp();
    ending.onSignal();
    await vi.advanceTimersByTimeAsync(CLOSE_MS - 1);
    expect(parts.stop).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    ending.onWillQuit(event());
    expect(parts.stop).toHaveBeenCalledTimes(1);
    stopped();
    await vi.advanceTimersByTimeAsync(0);
    expect(parts.exit).toHaveBeenCalledExactlyOnceWith(0);
  } finally {
    vi.useRealTimers();
  }
});

test('a second start opens the window here, or restarts an app that is quitting', async () => {
  const { ending, parts, event, stopped } = setUp();
  const [model, question] = [
    { type: 'model', path: '/a.gguf' },
    { type: 'question', text: 'Why?' },
  ] as const;
  expect(ending.onSecondStart([model])).toBe(true);
  ending.onWillQuit(event());
  expect(ending.onSecondStart([model])).toBe(false);
  expect(ending.onSecondStart([])).toBe(false);
  expect(ending.onSecondStart([question])).toBe(false);
  // This one still has the files.
  expect(parts.relaunch).not.toHaveBeenCalled();
  stopped();
  await settled();
  expect(parts.relaunch).toHaveBeenCalledExactlyOnceWith([model, question]);
  expect(parts.relaunch.mock.invocationCallOrder[0]).toBeLessThan(parts.exit.mock.invocationCallOrder[0] ?? 0);
});

test('an installer starts the app again itself, because it would end one that started meanwhile', async () => {
  const { ending, parts, event, stopped } = setUp();
  ending.onWillQuit(event());
  const restarts = parts.stop.mock.calls[0]![0];
  expect(restarts()).toBe(false);
  const model = { type: 'model', path: '/a.gguf' } as const;
  expect(ending.onSecondStart([model])).toBe(false);
  expect(restarts()).toBe(true);
  stopped(true);
  await settled();
  expect(parts.relaunch).not.toHaveBeenCalled();
  expect(parts.keep).toHaveBeenCalledExactlyOnceWith([model]);
  expect(parts.keep.mock.invocationCallOrder[0]).toBeLessThan(parts.exit.mock.invocationCallOrder[0] ?? 0);
});

test('the app exits even if stopping fails', async () => {
  const { ending, parts, event } = setUp();
  parts.stop.mockRejectedValueOnce(new Error('The disk is full.'));
  ending.onWillQuit(event());
  ending.onSecondStart([]);
  await settled();
  expect(parts.relaunch).toHaveBeenCalledExactlyOnceWith([]);
  expect(parts.exit).toHaveBeenCalledExactlyOnceWith(0);
});
