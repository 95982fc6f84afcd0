import type { AppModel } from '../../chat/state/app-model.svelte.ts';
import { InsideState } from './inside.svelte.ts';

/** The state of the view, which tokens of the chat can open. @param onopen shows the view */
export function createInside({ engine, modelSettings, elsewhere }: AppModel, onopen: () => void): InsideState {
  const inside = new InsideState(engine, modelSettings);
  elsewhere.inside = (source, index) => {
    inside.lookAt(source, index);
    onopen();
  };
  return inside;
}
