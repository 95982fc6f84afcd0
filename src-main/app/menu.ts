import { Menu } from 'electron';

/** Sets the menu, which macOS needs for its shortcuts. Elsewhere there is none: the title bar is the page's own. */
export function setApplicationMenu(platform: NodeJS.Platform): void {
  const menu = Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]);
  Menu.setApplicationMenu(platform === 'darwin' ? menu : null);
}
