import { untrack } from 'svelte';
import { EngineError } from '../../src-main/engine/api/errors.ts';
import type { SearchHit } from '../../src-main/protocol/app/chats/chat.ts';
import { chatOfHash } from '../../src-main/protocol/app/desktop.ts';
import type { AppModel } from '../features/chat/state/app-model.svelte.ts';
import type { ChatFigures } from '../features/chat/state/chat-figures.svelte.ts';
import type { UnsavedChat } from '../features/chat/state/open-documents.svelte.ts';
import { isNew } from '../features/chat/state/outbox.svelte.ts';
import { createNotebooks, type Notebooks } from '../features/notebook/state/create-notebooks.ts';
import type { NotebookDocument } from '../features/notebook/state/notebook-document.svelte.ts';
import type { NotebookSession } from '../features/notebook/state/notebook-session.svelte.ts';
import { readTextFile } from '../features/notebook/state/text-file.ts';
import { toasts } from '../ui/toasts.svelte.ts';
import { shell } from './shell.svelte.ts';

/** Opens what was open last. */
export async function openDocuments(app: AppModel): Promise<Documents> {
  const { settings } = app;
  const documents = new Documents(app, createNotebooks(app));
  const shown = chatOfHash(location.hash);
  const id = shown === null ? settings.current.lastChatId : shown.id;
  if (id !== null) await documents.open(id);
  $effect.root(() => {
    $effect(() => {
      const id = documents.currentId;
      // Only when this page opens another one, not when another page does.
      untrack(() => {
        if (id !== settings.current.lastChatId) settings.update({ lastChatId: id });
      });
    });
  });
  return documents;
}

/** What the list of chats opens: a chat or a notebook. */
export class Documents {
  readonly #app: Pick<AppModel, 'chats' | 'session' | 'jump'>;
  readonly #notebooks: Notebooks;

  constructor(app: Pick<AppModel, 'chats' | 'session' | 'jump'>, notebooks: Notebooks) {
    this.#app = app;
    this.#notebooks = notebooks;
  }

  /** The open notebook; null while a chat is open. */
  get notebook(): NotebookDocument | null {
    return this.#notebooks.notebooks.current;
  }

  get notebookSession(): NotebookSession {
    return this.#notebooks.notebookSession;
  }

  /** Id of what is open; null while it is new and empty. */
  get currentId(): string | null {
    const { current } = this.#notebooks.notebooks;
    if (current === null) return this.#app.chats.currentId;
    return isNew(current) ? null : current.id;
  }

  /** Whether the chat view shows a chat. */
  get isChat(): boolean {
    return this.notebook === null;
  }

  /** What a reply is being generated in. */
  get writingId(): string | null {
    return this.#app.session.writingId ?? this.#notebooks.notebookSession.writingId;
  }

  get writingTitle(): string | null {
    const { writingId } = this;
    const { chats } = this.#app;
    if (writingId === null) return null;
    return chats.list.find(({ id }) => id === writingId)?.title ?? chats.current.title;
  }

  get unsaved(): readonly UnsavedChat[] {
    return [...this.#app.chats.unsaved, ...this.#notebooks.notebooks.unsaved];
  }

  get problem(): string | null {
    return this.#app.chats.error ?? this.#notebooks.notebooks.error;
  }

  /** Title of the window. */
  get title(): string {
    const { current } = this.#notebooks.notebooks;
    const { chats } = this.#app;
    const title = current === null ? (chats.current.isEmpty ? '' : chats.current.title) : current.title;
    return title === '' ? 'Tokenscope' : `${title} · Tokenscope`;
  }

  /** Context use and rate, for the status bar. */
  get status(): Pick<ChatFigures, 'context' | 'rate'> {
    const { notebooks, notebookSession } = this.#notebooks;
    return notebooks.current === null ? this.#app.session.figures : notebookSession;
  }

  newChat(): void {
    this.showChat();
    this.#app.chats.create();
  }

  /** Shows the open chat in place of a notebook. */
  showChat(): void {
    shell.show('chat');
    this.#notebooks.notebooks.close();
  }

  newNotebook(text = ''): void {
    shell.show('chat');
    // The chat that was open may have settings of its own, which are not for notebooks.
    this.#app.chats.createBlank();
    this.#notebooks.notebooks.create(text);
  }

  /** Opens a text file as a new notebook. */
  async openFile(file: File): Promise<void> {
    try {
      this.newNotebook(await readTextFile(file));
    } catch (thrown) {
      toasts.notice(EngineError.from(thrown).message);
    }
  }

  /** @param hit scrolls to it, and marks `query` */
  async open(id: string, hit: SearchHit | null = null, query = this.#app.chats.search.trim()): Promise<void> {
    shell.show('chat');
    const { chats, jump } = this.#app;
    const summary = [...chats.list, ...(chats.found ?? [])].find((one) => one.id === id);
    if (summary?.notebook) {
      chats.createBlank();
      await this.#notebooks.notebooks.select(id);
    } else {
      await chats.select(id);
      // Otherwise it could not be opened, or a notebook was meanwhile.
      if (chats.current.id === id) this.#notebooks.notebooks.close();
    }
    if (hit !== null && this.currentId === id) jump.to({ chatId: id, turn: hit.turn, query });
  }

  async retry(id: string): Promise<void> {
    await Promise.all([this.#app.chats.retry(id), this.#notebooks.notebooks.retry(id)]);
  }

  get busy(): boolean {
    return this.#app.session.busy || this.#notebooks.notebookSession.busy;
  }

  stop(): void {
    this.#app.session.stop();
    this.#notebooks.notebookSession.stop();
  }

  /** Prepares one for deletion. @returns undoes that and shows it again, if it was on screen */
  async leave(id: string): Promise<() => void> {
    const { notebooks, notebookSession } = this.#notebooks;
    const [stay] = await Promise.all([this.#app.session.leave(id), notebookSession.leave(id)]);
    const left = await notebooks.leave(id);
    // Instead of the blank chat behind it, if there is a new one with instructions or settings.
    if (left?.wasShown) this.#app.chats.create();
    return () => {
      stay();
      if (left !== null) notebooks.putBack(left);
    };
  }
}
