import type { ModelList } from '../features/chat/state/other-model.svelte.ts';
import type { LibraryState } from '../features/models/library.svelte.ts';

type Library = Pick<LibraryState, keyof ModelList | 'problem' | 'fit'>;

/** The library for Chat. @param showModels shows the Models page, which says why a model could not be loaded */
export function chatLibrary(library: Library, showModels: () => void): ModelList {
  return {
    get listings() {
      return library.listings;
    },
    nameOf: (id) => library.nameOf(id),
    async load(id) {
      await library.load(id);
      if (library.problem(id) !== null || library.fit(id)?.verdict === 'too-large') showModels();
    },
    biggerWindow: (needed) => library.biggerWindow(needed),
    loadWindow: (tokens) => library.loadWindow(tokens),
  };
}
