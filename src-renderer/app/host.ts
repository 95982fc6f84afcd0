import type { TokenscopeBridge } from '../../src-main/protocol/app/app-bridge.ts';

/** Electron's bridge, or undefined in a browser. */
export const bridge: TokenscopeBridge | undefined = (window as Window & { tokenscope?: TokenscopeBridge }).tokenscope;

/** Whether this is a Mac, where Command replaces Control. Known from the bridge, or from the browser. */
export const isMac: boolean = bridge ? bridge.platform === 'darwin' : /Mac/.test(navigator.userAgent);

/** Key names as this system writes them: `Ctrl N` or `⌘ N`. */
export function keyName(keys: string): string {
  return isMac ? keys.replace('Ctrl', '⌘') : keys;
}
