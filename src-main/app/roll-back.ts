/** Entry instead of the app when an updated version did not start: offers the old version. */
import { app, dialog } from 'electron';
import { dataFolder } from '../services/data-folder.ts';
import { readTrial, rollBack, writeTrial } from '../services/updates/trial.ts';
import { relaunch } from './relaunch.ts';

const folder = dataFolder();

void app
  .whenReady()
  .then(ask)
  .then(() => app.exit(0), fail);

async function ask(): Promise<void> {
  const trial = readTrial(folder);
  if (trial === null) return relaunch();
  const { response } = await dialog.showMessageBox({
    type: 'warning',
    // There is no window whose title would say it.
    title: 'Tokenscope',
    message: `Tokenscope ${trial.version} did not start.`,
    detail: `Go back to version ${trial.previousVersion}, or try again. Chats and settings are kept.`,
    buttons: [`Use ${trial.previousVersion}`, 'Try again', 'Quit'],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  });
  if (response === 2) return;
  if (response === 0) rollBack(folder, trial);
  else writeTrial(folder, { ...trial, starts: 0, pid: null, startedAt: 0 });
  relaunch();
}

function fail(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  dialog.showErrorBox('The previous version could not be restored', message);
  app.exit(1);
}
