import type { AppModel } from '../../features/chat/state/app-model.svelte.ts';
import { applyPreset } from '../../features/chat/presets/apply-preset.ts';
import { allPresets } from '../../features/chat/sampling/presets.ts';
import type { LibraryState } from '../../features/models/library.svelte.ts';
import { COMMANDS, type CommandInfo, type Command } from '../commands/commands.ts';
import type { CommandRunner } from '../commands/runner.ts';
import type { Documents } from '../documents.svelte.ts';
import type { PaletteItem } from './palette-items.ts';

/** Older chats are found by their text. */
const MAX_CHATS = 1000;
const MAX_MESSAGES = 8;

export interface PaletteParts {
  readonly app: AppModel;
  readonly library: LibraryState;
  readonly runner: CommandRunner;
  readonly documents: Documents;
  /** Loads a model for the chat. */
  loadModel(id: string): void;
}

/** What the palette offers now, without messages. */
export function paletteItems({ app, library, runner, documents, loadModel }: PaletteParts): PaletteItem[] {
  const { chats, engine, modelSettings } = app;
  const commands = (COMMANDS as readonly CommandInfo[]).flatMap(({ id, title, keys, words, hidden }): PaletteItem[] => {
    const command = id as Command;
    if (hidden === true || !runner.isAvailable(command)) return [];
    const more = { ...(keys === undefined ? {} : { keys }), ...(words === undefined ? {} : { words }) };
    return [{ id: `command ${id}`, group: 'Commands', title, ...more, run: () => void runner.run(command) }];
  });
  const list = chats.list.slice(0, MAX_CHATS).map(({ id, title, folder }): PaletteItem => {
    const detail = id === documents.currentId ? 'Open' : folder;
    return {
      id: `chat ${id}`,
      group: 'Chats',
      title,
      ...(detail === '' ? {} : { detail }),
      run: () => void documents.open(id),
    };
  });
  const models = library.listings
    .filter(({ problem }) => problem === null)
    .map(({ id }): PaletteItem => {
      const isLoaded = engine.model?.id === id;
      return {
        id: `model ${id}`,
        group: 'Models',
        title: library.nameOf(id),
        detail: isLoaded ? 'Loaded' : 'Load',
        words: 'load model',
        run: () => (isLoaded ? undefined : loadModel(id)),
      };
    });
  const presets = allPresets(app.presets.presets).map((preset): PaletteItem => ({
    id: `preset ${preset.value}`,
    group: 'Presets',
    title: preset.label,
    words: 'preset sampling temperature',
    run: () => {
      app.presets.choose(modelSettings.owner, preset.value);
      applyPreset(modelSettings, preset);
    },
  }));
  return [...commands, ...list, ...models, ...presets];
}

/** Messages with a text, for the palette. */
export async function paletteMessages({ app, documents }: PaletteParts, query: string): Promise<PaletteItem[]> {
  const found = await app.chats.findMessages(query, MAX_MESSAGES);
  return found.map(({ id, title, hit }) => ({
    id: `message ${id} ${hit.turn}`,
    group: 'Messages',
    title,
    hit,
    run: () => void documents.open(id, hit, query),
  }));
}
