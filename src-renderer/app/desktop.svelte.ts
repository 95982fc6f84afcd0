/** The page's side of the desktop's menu, taskbar and notifications. */
import { untrack } from 'svelte';
import { chatHash, type MenuCommand } from '../../src-main/protocol/app/desktop.ts';
import { cutText } from '../../src-main/protocol/cut-text.ts';
import type { ChatsState } from '../features/chat/state/chats.svelte.ts';
import type { EngineState } from '../features/chat/state/engine.svelte.ts';
import type { Models } from '../features/models/models.svelte.ts';
import { bridge } from '../lib/host.ts';
import type { Command } from './commands/commands.ts';
import type { Documents } from './documents.svelte.ts';
import { isTextField } from './keyboard.ts';
import { progressOf } from './progress.ts';
import { shell } from './shell.svelte.ts';

export interface DesktopParts {
  engine: EngineState;
  models: Models;
  documents: Documents;
  chats: ChatsState;
  run(command: Command): boolean;
}

/** Does nothing in a browser. Called while the shell is initialised. */
export function followDesktop({ engine, models, documents, chats, run }: DesktopParts): void {
  if (bridge === undefined) return;
  const { onCommand, tellDesktop } = bridge;
  const runners = { run, documents, load: (id: string) => void models.library.load(id) };
  $effect(() => onCommand((command) => runMenuCommand(command, runners)));
  // The window is restored with this chat.
  $effect(() => history.replaceState(null, '', chatHash(documents.currentId)));
  $effect(() => tellDesktop({ type: 'progress', fraction: progressOf(engine.progress, models.downloads.list) }));
  let writing: { id: string; since: number } | null = null;
  $effect(() => {
    const id = documents.writingId;
    untrack(() => {
      if (writing !== null && id === null) {
        const title = chats.list.find((chat) => chat.id === writing?.id)?.title ?? 'Chat';
        tellDesktop({ type: 'reply-ended', title: cutText(title, MAX_TITLE), ms: performance.now() - writing.since });
      }
      writing = id === null ? null : { id, since: performance.now() };
    });
  });
}

const MAX_TITLE = 200;

interface Runners extends Pick<DesktopParts, 'run' | 'documents'> {
  load(modelId: string): void;
}

function runMenuCommand(command: MenuCommand, { run, documents, load }: Runners): void {
  switch (command.name) {
    case 'undo':
    case 'redo':
      return undoOrRedo(command.name, documents);
    case 'settings':
    case 'updates':
    case 'about':
      shell.settingsSection = command.name === 'settings' ? null : command.name;
      shell.settingsOpen = true;
      return;
    case 'load-model':
      run('view-models');
      return load(command.modelId);
    default:
      run(command.name);
  }
}

/** A notebook has steps of its own, and so has a text field. */
function undoOrRedo(step: 'undo' | 'redo', { notebook, notebookSession }: Documents): void {
  const { activeElement } = document;
  const isElsewhere = isTextField(activeElement) || activeElement?.closest('[role="dialog"]') != null;
  if (notebook !== null && shell.view === 'chat' && !isElsewhere) void notebookSession[step]();
  else document.execCommand(step);
}
