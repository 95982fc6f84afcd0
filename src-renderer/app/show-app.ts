import { createAppModel } from '../features/chat/state/app-model.svelte.ts';
import type { FirstState } from '../features/chat/state/first-state.ts';
import { openDocuments } from './documents.svelte.ts';

export { default as App } from './App.svelte';

/** Opens what was open last. @returns the properties of `App` */
export async function appProps(first: FirstState) {
  const app = createAppModel(first);
  return { app, opened: await openDocuments(app) };
}
