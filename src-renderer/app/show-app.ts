import { mount } from 'svelte';
import { createAppModel } from '../features/chat/state/app-model.svelte.ts';
import type { FirstState } from '../features/chat/state/first-state.ts';
import App from './App.svelte';
import { openDocuments } from './documents.svelte.ts';

/** Opens what was open last, and shows the window. */
export async function showApp(first: FirstState, target: Element): Promise<void> {
  const app = createAppModel(first);
  const opened = await openDocuments(app);
  target.replaceChildren();
  mount(App, { target, props: { app, opened } });
}
