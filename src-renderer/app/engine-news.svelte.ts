import { untrack } from 'svelte';
import type { EngineState } from '../features/chat/state/engine.svelte.ts';
import type { CompareState } from '../features/compare/state/compare.svelte.ts';
import type { LibraryState } from '../features/models/library.svelte.ts';
import { announce } from '../ui/live-region.svelte.ts';
import { toasts } from '../ui/toasts.svelte.ts';
import { LoadNotices } from './load-notices.ts';

/** Announces changes of the engine, and says why the last model was not loaded. Called while the shell is initialised. */
export function followEngine(engine: EngineState, library: LibraryState): void {
  $effect(() => {
    const { startProblem } = engine;
    if (startProblem === null) return;
    const { modelId, error } = startProblem;
    // Wait until its name is known.
    if (library.listings.length === 0) return;
    engine.startProblem = null;
    const name = library.find(modelId) === null ? 'The last model you used' : library.nameOf(modelId);
    const text = `${name} could not be loaded: ${error.message} The built-in model was loaded instead.`;
    untrack(() => toasts.notice(text));
  });
  const notices = new LoadNotices((text) => toasts.notice(text));
  $effect(() => {
    const { status, model } = engine;
    if (status !== 'ready' || model === null) return;
    untrack(() => {
      // Its header says how much memory a bigger context window takes.
      void library.describe(model.id);
      notices.loaded(model);
    });
  });
  let lastStatus = engine.status;
  $effect(() => {
    const { status } = engine;
    if (status === 'lost') announce(`The engine stopped. ${engine.message ?? ''}`);
    else if (status === 'ready' && lastStatus !== 'ready') announce(`${engine.model?.name ?? 'The model'} is ready`);
    else if (status === 'empty') announce('No model loaded');
    lastStatus = status;
  });
  $effect(() => {
    if (!engine.responds) announce('The engine is not responding. Restart it from the status bar.');
  });
}

/** Keeps the lanes that use the loaded model up to date with it. Called while the shell is initialised. */
export function followLanes(compare: CompareState, engine: EngineState, library: LibraryState): void {
  $effect(() => {
    const { model } = engine;
    if (model !== null) untrack(() => compare.follow({ id: model.id, name: model.name }));
  });
  // Headers say whether models fit in memory together.
  $effect(() => compare.settings.forEach(({ modelId }) => void untrack(() => library.describe(modelId))));
}
