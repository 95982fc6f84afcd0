import type { AppModel } from '../../chat/state/app-model.svelte.ts';
import { NotebookSession } from './notebook-session.svelte.ts';
import { NotebooksState } from './notebooks.svelte.ts';

export interface Notebooks {
  readonly notebooks: NotebooksState;
  readonly notebookSession: NotebookSession;
}

/** What outlives the view. Created once. */
export function createNotebooks({
  connection,
  engine,
  settings,
  modelSettings,
  recorder,
  ...app
}: AppModel): Notebooks {
  const notebooks = new NotebooksState(connection.services);
  const notebookSession = new NotebookSession({
    ...{ notebooks, engine, settings, modelSettings, recorder, totals: app.session.totals },
    blocked: () => app.session.blocked ?? (app.session.busy ? 'A reply is being generated in a chat.' : null),
  });
  window.addEventListener('pagehide', () => notebooks.flushLast());
  window.addEventListener('beforeunload', (event) => {
    if (notebooks.unsaved.length > 0) event.preventDefault();
  });
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') void notebooks.flush();
    else notebooks.catchUp();
  });
  return { notebooks, notebookSession };
}
