import Box from '@lucide/svelte/icons/box';
import Check from '@lucide/svelte/icons/check';
import FolderOpen from '@lucide/svelte/icons/folder-open';
import LayoutGrid from '@lucide/svelte/icons/layout-grid';
import type { LibraryState } from '../features/models/library.svelte.ts';
import { keyName } from '../lib/host.ts';
import type { MenuItem } from '../ui/types.ts';

/** More models are on the Models page. */
const MAX_MODELS = 8;

interface ModelItemsParts {
  readonly library: Pick<LibraryState, 'listings' | 'nameOf'>;
  readonly loadedId: string | null;
  load(id: string): void;
  open(): void;
  showAll(): void;
}

/** The menu that switches the model of the chat: loaded and most recently used models first. */
export function modelItems({ library, loadedId, load, open, showAll }: ModelItemsParts): MenuItem[] {
  const usable = library.listings.filter(({ problem }) => problem === null);
  const byUse = usable.toSorted(
    (a, b) =>
      Number(b.id === loadedId) - Number(a.id === loadedId) || (b.lastUsedAt ?? '').localeCompare(a.lastUsedAt ?? ''),
  );
  return [
    ...byUse.slice(0, MAX_MODELS).map(({ id }): MenuItem => {
      const isLoaded = id === loadedId;
      return {
        label: library.nameOf(id),
        icon: isLoaded ? Check : Box,
        ...(isLoaded ? { end: 'Loaded' } : {}),
        testId: 'switch-model',
        onselect: () => (isLoaded ? undefined : load(id)),
      };
    }),
    { label: 'Open a model file…', icon: FolderOpen, end: keyName('Ctrl O'), testId: 'switch-open', onselect: open },
    { label: 'All models', icon: LayoutGrid, end: keyName('Ctrl 3'), testId: 'switch-all', onselect: showAll },
  ];
}
