import { expect, it, onTestFinished, vi } from 'vitest';
import { openChannel, pageStorage } from './page-storage.ts';

const refuse = () => {
  throw new DOMException('The operation is insecure.', 'SecurityError');
};

it('is null where the browser blocks it', () => {
  const stored = { local: {} as Storage, session: {} as Storage };
  const page = { localStorage: stored.local, sessionStorage: stored.session };
  expect(pageStorage('localStorage', page)).toBe(stored.local);
  expect(pageStorage('sessionStorage', page)).toBe(stored.session);
  const blocked = Object.defineProperties({} as typeof page, {
    localStorage: { get: refuse },
    sessionStorage: { get: refuse },
  });
  expect(pageStorage('localStorage', blocked)).toBeNull();
  expect(pageStorage('sessionStorage', blocked)).toBeNull();
  // As in Firefox with its preference `dom.storage.enabled`.
  expect(pageStorage('localStorage', { ...page, localStorage: null as unknown as Storage })).toBeNull();
});

it('opens no channel where the browser blocks it', () => {
  vi.stubGlobal('BroadcastChannel', function () {
    refuse();
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  expect(openChannel('test')).toBeNull();
});
