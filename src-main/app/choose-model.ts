import { dialog, type BrowserWindow, type OpenDialogOptions } from 'electron';

/** Shows a dialog for the download folder. Null if none was chosen. */
export async function chooseFolder(window: BrowserWindow | null): Promise<string | null> {
  return await ask(window, {
    title: 'Choose a folder for models',
    buttonLabel: 'Choose',
    properties: ['openDirectory', 'createDirectory'],
  });
}

/**
 * Shows a dialog for a model's file, or also its folder if the system's dialog supports both. Null if none was chosen.
 */
export async function chooseModel(window: BrowserWindow | null): Promise<string | null> {
  const options: OpenDialogOptions = {
    title: 'Open a model',
    buttonLabel: 'Open',
    // Only macOS has a dialog for both; elsewhere the folder's config.json represents the folder.
    properties: process.platform === 'darwin' ? ['openFile', 'openDirectory'] : ['openFile'],
    filters: [
      { name: 'Models (.gguf, or a folder’s config.json)', extensions: ['gguf', 'json', 'safetensors'] },
      { name: 'All files', extensions: ['*'] },
    ],
  };
  return await ask(window, options);
}

async function ask(window: BrowserWindow | null, options: OpenDialogOptions): Promise<string | null> {
  const { canceled, filePaths } = await (window === null
    ? dialog.showOpenDialog(options)
    : dialog.showOpenDialog(window, options));
  return canceled ? null : (filePaths[0] ?? null);
}
