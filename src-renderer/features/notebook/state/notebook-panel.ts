import type { AppModel } from '../../chat/state/app-model.svelte.ts';
import type { PanelModel } from '../../chat/state/panel-model.ts';
import type { NotebookDocument } from './notebook-document.svelte.ts';
import type { NotebookSession } from './notebook-session.svelte.ts';

/** Lets the chat's panels edit the model's settings for a notebook. Its prompt is the text before `position`. */
export function notebookPanel(
  app: AppModel,
  { session, notebook, position }: { session: NotebookSession; notebook: NotebookDocument; position: () => number },
): PanelModel {
  const { engine, modelSettings, grammarCheck, automatic } = app;
  return {
    ...{ engine, modelSettings, grammarCheck, automatic },
    scope: 'For all chats and notebooks with this model',
    session: {
      get busy() {
        return session.busy || app.session.busy;
      },
      get running() {
        return session.running;
      },
      draft: '',
      hasDraft: false,
      promptOf: () => ({ kind: 'text', text: notebook.text.toString().slice(0, position()) }),
      nextDraw: () => session.nextDraw(position()),
    },
    chats: {
      current: {
        id: notebook.id,
        get isEmpty() {
          return notebook.length === 0;
        },
        get lastReply() {
          return notebook.lastReply;
        },
        newestReplies: (count) =>
          notebook.replies
            .filter(({ stop }) => stop !== null)
            .slice(-count)
            .toReversed(),
        systemPrompt: '',
      },
    },
  };
}
