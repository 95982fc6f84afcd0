import { expect, it, vi } from 'vitest';
import { leaveToInputMethod } from './composing-keys.ts';

it('keeps a dialog open for Escape while an input method composes a character', () => {
  const isKept = (isComposing: boolean) => {
    const preventDefault = vi.fn();
    leaveToInputMethod({ isComposing, preventDefault } as unknown as KeyboardEvent);
    return preventDefault.mock.calls.length > 0;
  };
  expect([isKept(true), isKept(false)]).toEqual([true, false]);
});
