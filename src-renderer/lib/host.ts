import type { TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';
import { hostKeys } from './browser-keys.ts';

/** Electron's bridge, or undefined in a browser. */
export const bridge: TokenscopeBridge | undefined = (window as Window & { tokenscope?: TokenscopeBridge }).tokenscope;

/** Whether this is a Mac, where Command replaces Control. Known from the bridge, or from the browser. */
export const isMac: boolean = bridge ? bridge.platform === 'darwin' : /Mac/.test(navigator.userAgent);

/** Whether a browser has the page, which keeps some keys for itself. */
export const isBrowser: boolean = bridge === undefined;

/** Key names as this host has them and its system writes them: `Ctrl N` or `⌘ N`. */
export function keyName(keys: string): string {
  const own = hostKeys(keys, isBrowser);
  return isMac ? own.replace('Ctrl', '⌘') : own;
}
