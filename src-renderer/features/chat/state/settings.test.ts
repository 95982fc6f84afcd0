import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import { SettingsState } from './settings.svelte.ts';
import { FakeServices } from '../test-support/fakes.ts';

let services: FakeServices;
let settings: SettingsState;

beforeEach(async () => {
  services = new FakeServices();
  settings = await SettingsState.load(services);
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

const writes = () => services.calls.filter((call) => call === 'settingsSet').length;

describe('settings', () => {
  it('change at once and are written together a little later', async () => {
    settings.update({ whenFull: 'drop_oldest' });
    settings.update({ useKvCache: false });
    settings.setPanel({ tab: 'rate' });
    expect(settings.current).toMatchObject({ whenFull: 'drop_oldest', useKvCache: false });
    expect(writes()).toBe(0);
    await vi.advanceTimersByTimeAsync(300);
    expect(writes()).toBe(1);
    expect(services.settings).toMatchObject({ whenFull: 'drop_oldest', useKvCache: false });
    expect(services.settings.panel).toEqual({ open: true, tab: 'rate' });
  });

  it('are sent again when the page closes, also those that are being saved', async () => {
    settings.update({ theme: 'dark' });
    void settings.flush();
    settings.update({ tokensView: true });
    await Promise.resolve();
    services.settings = { ...services.settings, theme: 'light' };
    settings.flushLast();
    await vi.advanceTimersByTimeAsync(0);
    expect(services.settings).toMatchObject({ theme: 'dark', tokensView: true });
    await vi.advanceTimersByTimeAsync(1000);
    const before = writes();
    settings.flushLast();
    expect(writes()).toBe(before);
  });

  it('are plain data, so that they can be sent', () => {
    settings.update({ theme: 'dark' });
    expect(structuredClone(settings.current)).toEqual(settings.current);
  });

  it('take news from elsewhere, but not over what is being changed here', async () => {
    settings.update({ theme: 'dark' });
    services.emit({ type: 'settings', settings: { ...services.settings, theme: 'light', tokensView: true } });
    expect(settings.current).toMatchObject({ theme: 'dark', tokensView: true });
    const writing = settings.flush();
    services.emit({ type: 'settings', settings: { ...services.settings, theme: 'light' } });
    expect(settings.current.theme).toBe('dark');
    await writing;
    services.emit({ type: 'settings', settings: { ...services.settings, theme: 'contrast' } });
    expect(settings.current.theme).toBe('contrast');
  });

  it('go back when they are refused, stay when they can only not be stored', async () => {
    services.failure = new EngineError('BAD_REQUEST', 'No such theme.');
    settings.update({ theme: 'dark' });
    await settings.flush();
    expect(settings.current.theme).toBe('system');
    expect(settings.error).toBe('No such theme.');
    services.failure = new EngineError('READ_ONLY', 'Another instance is open.');
    settings.update({ theme: 'dark' });
    await settings.flush();
    expect(settings.current.theme).toBe('dark');
    services.failure = null;
    settings.update({ theme: 'light' });
    await settings.flush();
    expect(settings.error).toBeNull();
  });
});
