import '@fontsource-variable/inter/opsz.css';
import '@fontsource-variable/jetbrains-mono';
import '../styles/tokens.css';
import '../styles/base.css';
import '../styles/first-frame.css';
import { mount, type Component } from 'svelte';
import { createFirstState } from '../features/chat/state/first-state.ts';
import { isStaticSite, siteFacts, workOffline } from '../lib/browser-storage/site.ts';
import { connect, type Way } from '../lib/connection.svelte.ts';
import { bridge } from '../lib/host.ts';
import { KeyRefusedError } from '../lib/services.ts';
import { signsIn, takeWebKey } from '../lib/web-key.ts';
import BootError from './BootError.svelte';
import NoKey from './NoKey.svelte';
import { followTheme } from './theme.ts';

void start();

async function start(): Promise<void> {
  const target = document.querySelector('#app');
  if (target === null) throw new Error('index.html has no element #app to mount the window in.');
  const show = <Props extends Record<string, unknown>>(component: Component<Props>, props: Props): void => {
    target.replaceChildren();
    mount(component, { target, props });
  };
  // Use the system's theme until the settings are loaded.
  const stopFollowing = followTheme('system');
  // Opening an address with a key in an open tab only changes the fragment.
  window.addEventListener('hashchange', () => {
    if (signsIn(location.hash)) location.reload();
  });
  try {
    const way = await wayToServices();
    if (way === null) return void show(NoKey, { refused: false });
    // The engine loads its model, and the chats are listed, while the interface is loaded.
    const [first, { App, appProps }] = await Promise.all([createFirstState(connect(way)), import('./show-app.ts')]);
    stopFollowing();
    // Showing it takes long enough for the engine to load meanwhile, if what it has said is heard before.
    await new Promise((resolve) => setTimeout(resolve));
    show(App, await appProps(first));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const details = error instanceof Error ? (error.stack ?? message) : message;
    if (error instanceof KeyRefusedError) show(NoKey, { refused: true });
    else show(BootError, { message, details });
  }
}

/** @returns null if the page has no key of its web host */
async function wayToServices(): Promise<Way | null> {
  if (bridge !== undefined) return { bridge };
  if (isStaticSite()) {
    void workOffline();
    // Other hosts do not load it.
    const { browserServices } = await import('../lib/browser-storage/browser-services.ts');
    return { services: browserServices(await siteFacts()) };
  }
  const key = await takeWebKey(window);
  return key === null ? null : { key };
}
