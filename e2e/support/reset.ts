/** Resets a running app between two tests; `reset.spec.ts` compares it with a fresh one. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultSettings } from '../../src-main/protocol/app/settings-schemas.ts';
import type { RunningApp } from './app.ts';

/**
 * Deletes what a test has left: chats, runs of Compare, models, downloads, settings, files, the engine's state. Must be called while no
 * page is open.
 * @param kept names in the data folder of a fresh app
 * @returns why this app cannot be reset, so that another one must be started, or null
 */
export async function resetApp(
  { host, dataDir, services }: RunningApp,
  kept: ReadonlySet<string>,
): Promise<string | null> {
  // Its data went with its browser context.
  if (host === 'site') return null;
  const { invoke } = services;
  for (const { id } of await invoke('downloadsList')) await invoke('downloadCancel', id);
  if ((await invoke('networkLog')).length > 0) return 'nobody can empty its log of requests';
  for (const { id, builtIn } of await invoke('modelsList')) if (!builtIn) await invoke('modelRemove', id);
  await deleteChats(invoke);
  for (const { id } of await invoke('comparisonsList')) await invoke('comparisonDelete', id);
  await invoke('settingsSet', defaultSettings());
  // The browser's engine went with its page. This one may have another model, and a cached prompt that it is storing.
  if (host === 'electron') await invoke('engineRestart');
  await deleteFiles(dataDir, kept);
  return null;
}

async function deleteChats(invoke: RunningApp['services']['invoke']): Promise<void> {
  for (const { id } of await invoke('chatsList')) await invoke('chatDelete', id);
  const deleted = await invoke('chatsDeleted');
  await invoke(
    'chatsPurge',
    deleted.map(({ id }) => id),
  );
}

/** Deletes everything that a fresh app lacks; the services read changed files again. */
async function deleteFiles(dataDir: string, kept: ReadonlySet<string>): Promise<void> {
  const names = (await readdir(dataDir)).filter((name) => !kept.has(name));
  await Promise.all(names.map((name) => rm(join(dataDir, name), { recursive: true, force: true })));
}
