import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { composerTakesFocus, focusComposer } from './composer-focus.ts';

const FRAME_MS = 16;

/** What has the focus. */
let focused: { isText: boolean };
const composer = { isText: true, focus: () => void (focused = composer) };
const button = { isText: false };
const field = { isText: true };

beforeEach(() => {
  vi.useFakeTimers();
  focused = button;
  vi.stubGlobal('requestAnimationFrame', (callback: () => void) => setTimeout(callback, FRAME_MS));
  vi.stubGlobal('cancelAnimationFrame', (id: number) => clearTimeout(id));
  vi.stubGlobal('document', {
    querySelector: () => composer,
    get activeElement() {
      return { matches: () => focused.isText };
    },
  });
  onTestFinished(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
});

it('moves the focus before the next frame', async () => {
  focusComposer();
  await vi.advanceTimersByTimeAsync(0);
  expect(focused).toBe(composer);
  await vi.advanceTimersByTimeAsync(FRAME_MS);
  expect(focused).toBe(composer);
});

it('moves it again if a button took it back, and takes no key as a command until then', async () => {
  expect(composerTakesFocus()).toBe(false);
  focusComposer();
  expect(composerTakesFocus()).toBe(true);
  await vi.advanceTimersByTimeAsync(0);
  focused = button;
  expect(composerTakesFocus()).toBe(true);
  await vi.advanceTimersByTimeAsync(FRAME_MS);
  expect(focused).toBe(composer);
  expect(composerTakesFocus()).toBe(false);
});

it('leaves it in a text field that was chosen meanwhile', async () => {
  focusComposer();
  await vi.advanceTimersByTimeAsync(0);
  focused = field;
  await vi.advanceTimersByTimeAsync(FRAME_MS);
  expect(focused).toBe(field);
});
