import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EarlyEnd } from './early-end.ts';
import { EXIT } from './errors.ts';

const CODES = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const;

function setUp() {
  const signals = new EventEmitter();
  const exits: number[] = [];
  return { signals, exits, ending: new EarlyEnd(signals, (code) => exits.push(code)) };
}

const error = (code: string) => Object.assign(new Error(code), { code });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a signal', () => {
  it.each(CODES)('%s asks for an orderly end, with exit code %d, and a second one exits at once', (signal, code) => {
    const { signals, exits, ending } = setUp();
    expect(ending.signal.aborted).toBe(false);
    signals.emit(signal);
    expect(ending.signal.aborted).toBe(true);
    expect(exits).toEqual([]);
    expect(ending.exitCode(EXIT.interrupted)).toBe(code);
    // The command was done before, or failed.
    for (const own of [EXIT.ok, EXIT.engineError, EXIT.usage]) expect(ending.exitCode(own)).toBe(own);
    signals.emit(signal);
    expect(exits).toEqual([code]);
  });

  it('SIGTERM and SIGHUP end a command that does not notice them, and Ctrl-C waits for it', () => {
    for (const [signal, code] of CODES) {
      const { signals, exits } = setUp();
      signals.emit(signal);
      vi.runAllTimers();
      expect(exits, signal).toEqual(signal === 'SIGINT' ? [] : [code]);
    }
  });

  it('Ctrl-C does something else once if a command says so, and the others do not', () => {
    const { signals, ending } = setUp();
    const act = vi.fn();
    ending.onInterrupt(act);
    signals.emit('SIGINT');
    expect(act).toHaveBeenCalledOnce();
    expect(ending.signal.aborted).toBe(false);
    ending.onInterrupt(act)();
    ending.onInterrupt(act);
    signals.emit('SIGTERM');
    expect(ending.signal.aborted).toBe(true);
    expect(act).toHaveBeenCalledOnce();
  });
});

describe('a reader that is gone', () => {
  it('makes an interrupted command a success, but no failure', () => {
    const { ending } = setUp();
    ending.lost(error('EPIPE'));
    expect(ending.signal.aborted).toBe(true);
    const codes = [EXIT.interrupted, EXIT.ok, EXIT.engineError, EXIT.usage, EXIT.unread];
    expect(codes.map((code) => ending.exitCode(code))).toEqual([0, 0, 1, 2, 141]);
  });

  it('does not hide that a signal came first', () => {
    const { signals, ending } = setUp();
    signals.emit('SIGINT');
    ending.lost(error('EPIPE'));
    expect(ending.exitCode(EXIT.interrupted)).toBe(130);
  });

  it('is not the same as a full disk, which is an error', () => {
    const { ending } = setUp();
    ending.lost(error('ENOSPC'));
    const codes = [EXIT.interrupted, EXIT.ok, EXIT.engineError, EXIT.usage, EXIT.unread];
    expect(codes.map((code) => ending.exitCode(code))).toEqual([1, 1, 1, 2, 1]);
  });
});
