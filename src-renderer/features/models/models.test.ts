import { expect, it, onTestFinished } from 'vitest';
import { FakeConnection, FakeEngine, FakeServices } from '../chat/test-support/fakes.ts';
import type { LibraryEngine } from './library.svelte.ts';
import { Models } from './models.svelte.ts';

it('reads the catalogue again when another mirror is set, and for no other setting', () => {
  const services = new FakeServices();
  const models = new Models({
    opener: new FakeConnection(services).models,
    services,
    engine: { model: null } as LibraryEngine,
    client: () => new FakeEngine(),
    stopReply: () => undefined,
    lastContext: () => null,
    saveContext: () => undefined,
  });
  onTestFinished(models.follow());
  const reads = () => services.calls.filter((method) => method === 'catalogueList').length;
  expect(reads()).toBe(1);
  const { settings } = services;
  const mirrored = { ...settings, downloads: { ...settings.downloads, mirror: 'https://mirror.example' } };
  services.emit({ type: 'settings', settings: mirrored });
  expect(reads()).toBe(2);
  services.emit({ type: 'settings', settings: { ...mirrored, theme: 'dark' } });
  expect(reads()).toBe(2);
  services.emit({ type: 'settings', settings });
  expect(reads()).toBe(3);
});
