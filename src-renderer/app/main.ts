import '@fontsource-variable/inter/opsz.css';
import '@fontsource-variable/jetbrains-mono';
import '../styles/tokens.css';
import '../styles/base.css';
import { mount } from 'svelte';
import { createAppModel } from '../features/chat/app-model.svelte.ts';
import { connect } from '../lib/connection.svelte.ts';
import App from './App.svelte';
import BootError from './BootError.svelte';
import { followTheme } from './theme.ts';

const target = document.querySelector('#app');
if (target === null) throw new Error('index.html has no element #app to mount the window in.');

// Until the settings are read, the system's theme is the best guess.
const stopFollowing = followTheme('system');
try {
  const app = await createAppModel(connect());
  stopFollowing();
  mount(App, { target, props: { app } });
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof Error ? (error.stack ?? message) : message;
  mount(BootError, { target, props: { message, details } });
}
