import { Menu } from 'electron';

/** macOS wants a menu for its shortcuts; elsewhere the title bar is the page's own and there is none. */
export function setApplicationMenu(platform: NodeJS.Platform): void {
  const menu = Menu.buildFromTemplate([{ role: 'appMenu' }, { role: 'editMenu' }, { role: 'windowMenu' }]);
  Menu.setApplicationMenu(platform === 'darwin' ? menu : null);
}
