import { tick } from 'svelte';
import { TEXT_SIZES, type ThemeSetting } from '../../../src-main/protocol/app/app-services.ts';
import type { AppModel } from '../../features/chat/state/app-model.svelte.ts';
import type { PanelTab } from '../../features/chat/state/panel.svelte.ts';
import type { CompareState } from '../../features/compare/state/compare.svelte.ts';
import type { LibraryState } from '../../features/models/library.svelte.ts';
import { focusView } from '../../lib/view-focus.ts';
import { copyText } from '../../ui/copy.ts';
import { announce } from '../../ui/live-region.svelte.ts';
import type { ChatCommands } from '../chat-commands.ts';
import type { Documents } from '../documents.svelte.ts';
import { moveRegion } from '../keyboard.ts';
import { shell, type View } from '../shell.svelte.ts';
import type { Command } from './commands.ts';

interface RunnerParts {
  readonly app: AppModel;
  readonly documents: Documents;
  readonly library: LibraryState;
  readonly compare: CompareState;
  readonly chatCommands: ChatCommands;
  newChat(): void;
  openModel(): void;
  focusComposer(): void;
  /** The prompts of a new chat, from 1. @returns false if they are not on screen */
  tryPrompt(number: number): boolean;
}

interface Handler {
  run(): void;
  /** False: the command has no effect now. */
  when?(): boolean;
}

/** Runs the commands of the window. */
export interface CommandRunner {
  isAvailable(command: Command): boolean;
  /** @returns false if the command has no effect now */
  run(command: Command): boolean;
}

export function commandRunner(parts: RunnerParts): CommandRunner {
  const handlers = { ...viewHandlers(parts), ...chatHandlers(parts) };
  const isAvailable = (command: Command) => handlers[command].when?.() ?? true;
  return {
    isAvailable,
    run(command) {
      if (!isAvailable(command)) return false;
      handlers[command].run();
      return true;
    },
  };
}

function showComposer({ focusComposer }: RunnerParts): void {
  shell.show('chat');
  focusComposer();
}

type ChatCommand =
  | Extract<Command, `${string}-chat` | `export-${string}` | `prompt-${string}`>
  | 'delete-chats'
  | 'deleted-chats'
  | 'new-notebook'
  | 'find'
  | 'escape'
  | 'regenerate'
  | 'copy-reply'
  | 'focus-composer';

function chatHandlers(parts: RunnerParts): Record<Exclude<ChatCommand, 'view-chat'>, Handler> {
  const { app, compare, chatCommands, documents } = parts;
  const { chats, session, find } = app;
  /** While another chat is on its way, nothing is done to the one before. */
  const isStaying = () => chats.comingId === null;
  const current = () => (isStaying() ? chats.list.find(({ id }) => id === documents.currentId) : undefined);
  const onCurrent = (run: (chat: NonNullable<ReturnType<typeof current>>) => void): Handler => ({
    run() {
      const chat = current();
      if (chat !== undefined) run(chat);
    },
    when: () => current() !== undefined,
  });
  /** Of the last reply, when it is finished; otherwise empty. */
  const answer = () => {
    if (!documents.isChat || !isStaying()) return '';
    const reply = chats.current.path.findLast((turn) => turn.role === 'assistant');
    return reply === undefined || reply.running ? '' : reply.answer;
  };
  const prompt = (number: number): Handler => ({
    run: () => void parts.tryPrompt(number),
    when: () => shell.view === 'chat' && documents.isChat && chats.current.isEmpty,
  });
  return {
    'new-chat': { run: parts.newChat },
    'new-notebook': { run: () => documents.newNotebook() },
    find: {
      run: () => find.show(),
      when: () => shell.view === 'chat' && documents.isChat && !chats.current.isEmpty,
    },
    escape: {
      run: () => (shell.view === 'compare' && compare.runner.running ? compare.stop() : documents.stop()),
      when: () => documents.busy || (shell.view === 'compare' && compare.runner.running),
    },
    regenerate: {
      run: () => void session.regenerate(),
      when: () => documents.isChat && isStaying() && chats.current.lastReply !== null && !session.turns.waits,
    },
    'copy-reply': { run: () => void copyText(answer(), 'Answer'), when: () => answer() !== '' },
    'focus-composer': { run: () => showComposer(parts), when: () => documents.isChat },
    'pin-chat': onCurrent((chat) => chatCommands.pin(chat)),
    'move-chat': onCurrent((chat) => chatCommands.move(chat)),
    'duplicate-chat': onCurrent((chat) => chatCommands.duplicate(chat)),
    'export-markdown': onCurrent((chat) => chatCommands.exportAs(chat, 'markdown')),
    'export-text': onCurrent((chat) => chatCommands.exportAs(chat, 'text')),
    'export-json': onCurrent((chat) => chatCommands.exportAs(chat, 'json')),
    'delete-chat': onCurrent((chat) => chatCommands.delete(chat)),
    'delete-chats': { run: () => (shell.deleteChatsOpen = true), when: () => chats.list.length > 0 },
    'deleted-chats': { run: () => (shell.deletedChatsOpen = true) },
    'prompt-1': prompt(1),
    'prompt-2': prompt(2),
    'prompt-3': prompt(3),
  };
}

function viewHandlers(parts: RunnerParts): Record<Exclude<Command, Exclude<ChatCommand, 'view-chat'>>, Handler> {
  const { app, library } = parts;
  const { settings, panel, engine } = app;
  /** What had the focus may be in the view that is left. */
  const view = (name: View): Handler => ({
    run() {
      shell.show(name);
      void tick().then(focusView);
    },
  });
  const theme = (value: ThemeSetting): Handler => ({ run: () => settings.update({ theme: value }) });
  const sizeAt = (by: 1 | -1) => TEXT_SIZES[TEXT_SIZES.indexOf(settings.current.textSize) + by];
  const textSize = (by: 1 | -1): Handler => ({
    run: () => settings.update({ textSize: sizeAt(by) }),
    when: () => sizeAt(by) !== undefined,
  });
  const tab = (name: PanelTab): Handler => ({
    run() {
      shell.show('chat');
      panel.show(name, shell.compact);
    },
  });
  return {
    palette: { run: () => (shell.paletteOpen = true) },
    shortcuts: { run: () => (shell.shortcutsOpen = true) },
    settings: {
      run() {
        shell.settingsSection = null;
        shell.settingsOpen = true;
      },
    },
    tour: {
      run() {
        shell.show('chat');
        shell.tourOpen = true;
      },
    },
    'next-region': { run: () => moveRegion(1) },
    'previous-region': { run: () => moveRegion(-1) },
    'view-chat': { run: () => (parts.documents.isChat ? showComposer(parts) : view('chat').run()) },
    'view-compare': view('compare'),
    'view-models': view('models'),
    'view-tokenizer': view('tokenizer'),
    'view-inside': view('inside'),
    'toggle-tokens': {
      run() {
        settings.update({ tokensView: !settings.current.tokensView });
        announce(settings.current.tokensView ? 'Tokens view' : 'Text view');
      },
      when: () => shell.view === 'chat',
    },
    'toggle-raw': {
      run() {
        settings.update({ rawReplies: !settings.current.rawReplies });
        announce(settings.current.rawReplies ? 'Raw replies' : 'Formatted replies');
      },
    },
    'toggle-panel': {
      run() {
        shell.show('chat');
        panel.toggle(shell.compact);
      },
    },
    'panel-sampling': tab('sampling'),
    'panel-stop': tab('stop'),
    'panel-prompt': tab('prompt'),
    'panel-context': tab('context'),
    'panel-rate': tab('rate'),
    'open-model': { run: parts.openModel },
    'unload-model': { run: () => void library.unload(), when: () => engine.model !== null },
    'theme-system': theme('system'),
    'theme-light': theme('light'),
    'theme-dark': theme('dark'),
    'theme-contrast': theme('contrast'),
    'text-larger': textSize(1),
    'text-smaller': textSize(-1),
    density: {
      run: () => settings.update({ density: settings.current.density === 'compact' ? 'comfortable' : 'compact' }),
    },
  };
}
