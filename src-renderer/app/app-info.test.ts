import { expect, it, onTestFinished } from 'vitest';
import { FakeServices } from '../features/chat/test-support/fakes.ts';
import { AppInfo } from './app-info.svelte.ts';

function follow(services: FakeServices, stored = new Map<string, string>()) {
  const shown: { text: string; dismiss: () => void }[] = [];
  const storage = {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => void stored.set(name, value),
  };
  const info = new AppInfo(services, (text, dismiss) => shown.push({ text, dismiss }), storage);
  onTestFinished(info.follow());
  return { info, shown, stored };
}

it('shows every notice on every page, and after a reload those that were not dismissed', () => {
  const services = new FakeServices();
  const [one, two] = [follow(services), follow(services)];
  const notices = ['a', 'b'].map((id) => ({ type: 'notice', id, message: `Notice ${id}` }) as const);
  notices.forEach((notice) => services.emit(notice));
  for (const { shown } of [one, two]) expect(shown.map(({ text }) => text)).toEqual(['Notice a', 'Notice b']);
  one.shown[0].dismiss();
  const reloaded = follow(services, one.stored);
  notices.forEach((notice) => services.emit(notice));
  expect(reloaded.shown.map(({ text }) => text)).toEqual(['Notice b']);
});

it('shows notices in a browser that stores nothing for the page', () => {
  const services = new FakeServices();
  const shown: string[] = [];
  const info = new AppInfo(
    services,
    (text, dismiss) => {
      shown.push(text);
      dismiss();
    },
    null,
  );
  onTestFinished(info.follow());
  services.emit({ type: 'notice', id: 'a', message: 'Notice a' });
  expect(shown).toEqual(['Notice a']);
});

it('says why nothing is saved and whether the host answers', () => {
  const services = new FakeServices();
  const { info } = follow(services);
  services.emit({ type: 'readOnly', message: 'Another one writes.' });
  expect(info.readOnly).toBe('Another one writes.');
  services.emit({ type: 'readOnly', message: null });
  expect(info.readOnly).toBeNull();
  services.emit({ type: 'host', state: 'away', message: 'Tokenscope has stopped.' });
  expect(info.away).toBe('Tokenscope has stopped.');
  services.emit({ type: 'host', state: 'here', message: null });
  expect(info.away).toBeNull();
});

it('announces a new version once', () => {
  const services = new FakeServices();
  const { info, shown } = follow(services);
  const release = { version: '0.2.0', date: '', notes: '', bytes: 1 };
  const state = { unsupported: null, phase: 'available', lastCheck: null, release, bytes: 0, problem: null } as const;
  services.emit({ type: 'update', state });
  services.emit({ type: 'update', state });
  expect(shown.map(({ text }) => text)).toEqual(['Tokenscope 0.2.0 is available. Settings has the details.']);
  // The settings show it themselves.
  info.settingsOpen = true;
  services.emit({ type: 'update', state: { ...state, release: { ...release, version: '0.3.0' } } });
  expect(shown).toHaveLength(1);
});
