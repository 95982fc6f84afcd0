import type { AppModel } from '../../chat/state/app-model.svelte.ts';
import type { LibraryState } from '../../models/library.svelte.ts';
import { InsideState } from './inside.svelte.ts';

/** The state of the view, which tokens of the chat can open. @param onopen shows the view */
export function createInside(
  { engine, modelSettings, settings, elsewhere }: AppModel,
  library: LibraryState,
  onopen: () => void,
): InsideState {
  const inside = new InsideState({ engine, replies: modelSettings, settings, library });
  elsewhere.inside = (source, index) => {
    inside.lookAt(source, index);
    onopen();
  };
  return inside;
}
