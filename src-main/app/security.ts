/** Confines the page to the app and keeps the app off the network. All rules are here. */
import { app, type Session, type WebContents } from 'electron';
import type { NetworkLog } from '../services/network-log.ts';
import { APP_ORIGIN, APP_PAGE } from './app-protocol.ts';

/** Must run before the app is ready. */
export function restrictChromium(devServer: string | null): void {
  // On systems without a sandbox (containers, root), Electron runs only with --no-sandbox, and its child processes exit
  // at once if the sandbox is required.
  if (!app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox();
  // No name resolves, so Chromium's own requests reach no server either.
  const except = devServer === null ? '' : `, EXCLUDE ${new URL(devServer).hostname}`;
  app.commandLine.appendSwitch('host-resolver-rules', `MAP * ~NOTFOUND${except}`);
  app.commandLine.appendSwitch('disable-background-networking');
  app.commandLine.appendSwitch('disable-component-update');
  app.commandLine.appendSwitch('disable-domain-reliability');
  app.commandLine.appendSwitch('no-pings');
}

/** Restricts permissions, requests, downloads and spellchecking (which fetches dictionaries) of a session. */
export function restrictSession(session: Session, log: NetworkLog, devServer: string | null): void {
  session.setPermissionCheckHandler((_contents, permission, origin) => isPermitted(permission, origin));
  session.setPermissionRequestHandler((_contents, permission, answer, details) => {
    answer(isPermitted(permission, details.requestingUrl));
  });
  session.setDevicePermissionHandler(() => false);
  session.setSpellCheckerEnabled(false);
  // Electron asks the person where to save a file that the page made.
  session.on('will-download', (event, item) => {
    if (!isOwnFile(item.getURL())) event.preventDefault();
  });
  session.webRequest.onBeforeRequest((details, answer) => {
    const allowed = isAllowedRequest(details.url, devServer);
    if (!allowed) log.refused(details.url);
    answer({ cancel: !allowed });
  });
}

/** Restricts navigation, new windows and embedded pages of all web contents. */
export function restrictContents(contents: WebContents): void {
  contents.on('will-navigate', (event, url) => {
    if (!isAppPage(url)) event.preventDefault();
  });
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame || !isAppPage(event.url)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  // Protocols other than HTTP must not bypass the rules above.
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp');
}

/** Whether a permission is granted: only copying text on a person's click. */
export function isPermitted(permission: string, requester: string): boolean {
  return permission === 'clipboard-sanitized-write' && isAppOrigin(requester);
}

export function isAllowedRequest(url: string, devServer: string | null): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, origin, host } = new URL(url);
  if (protocol === 'app:' || protocol === 'devtools:') return true;
  if (devServer === null) return false;
  const isSocket = protocol === 'ws:' && host === new URL(devServer).host;
  return origin === devServer || isSocket;
}

/** Whether it is a file that the page made: an export. */
export function isOwnFile(url: string): boolean {
  return url.startsWith(`blob:${APP_ORIGIN}/`);
}

/** Whether it is the page itself, which may reload; all other navigation is blocked. */
export function isAppPage(url: string): boolean {
  return url.split('#', 1)[0] === APP_PAGE;
}

function isAppOrigin(url: string): boolean {
  return url === APP_ORIGIN || url.startsWith(`${APP_ORIGIN}/`);
}
