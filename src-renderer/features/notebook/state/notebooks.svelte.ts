import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PageServices } from '../../../lib/services.ts';
import { OpenDocuments, type Opened, type UnsavedChat } from '../../chat/state/open-documents.svelte.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { insertTyped, NotebookDocument, TYPED } from './notebook-document.svelte.ts';

/** A notebook that is about to be deleted. */
interface LeftNotebook {
  readonly opened: Opened<NotebookDocument>;
  readonly wasShown: boolean;
}

/** The open notebook. Notebooks are listed, renamed and deleted among the chats (`ChatsState`). */
export class NotebooksState {
  /** Null while a chat is open. */
  current = $state.raw<NotebookDocument | null>(null);
  /** Why a notebook could not be opened, or null. */
  error = $state<string | null>(null);
  readonly #services: PageServices;
  readonly #open: OpenDocuments<NotebookDocument>;
  #selecting: string | null = null;

  constructor(services: PageServices) {
    this.#services = services;
    this.#open = new OpenDocuments({ services, isShown: (notebook) => notebook === this.current });
    services.onEvent((event) => {
      if (event.type === 'chat') this.#open.hear(event);
      else if (event.type === 'chats') this.catchUp();
      else if (event.type === 'host') void this.flush();
    });
  }

  /** Notebooks that could not be saved. */
  get unsaved(): readonly UnsavedChat[] {
    return this.#open.unsaved;
  }

  /** Opens a new notebook. It is saved with its first text. */
  create(text = ''): NotebookDocument {
    this.#selecting = null;
    const notebook = NotebookDocument.create();
    this.#show(notebook);
    if (text !== '') notebook.edit(TYPED, (target) => insertTyped(target, 0, text));
    return notebook;
  }

  /** Opens a notebook. If it no longer exists, what was open stays. */
  async select(id: string): Promise<void> {
    this.#selecting = id;
    const open = this.#open.get(id);
    if (open !== undefined) return this.#show(open.document);
    try {
      const stored = await this.#services.invoke('chatGet', id);
      if (this.#selecting !== id) return;
      this.error = null;
      // It was selected twice. Two documents of one text would not know of each other's changes.
      const known = this.#open.get(id);
      if (known !== undefined) this.#show(known.document);
      else if (stored !== null) this.#show(NotebookDocument.from(stored, this.#open.detailsOf(id)));
    } catch (thrown) {
      this.error = EngineError.from(thrown).message;
    }
  }

  /** A chat was opened instead. */
  close(): void {
    this.#selecting = null;
    this.current = null;
    this.#open.release();
  }

  /**
   * Saves and releases a notebook that is about to be deleted.
   * @returns it with what could not be saved, for `putBack`, and whether it was on screen; null if it was not open
   */
  async leave(id: string): Promise<LeftNotebook | null> {
    const opened = this.#open.get(id);
    if (opened === undefined) return null;
    await opened.outbox.flush();
    opened.outbox.close();
    this.#open.delete(id);
    const wasShown = this.current === opened.document;
    if (wasShown) this.close();
    return { opened, wasShown };
  }

  /** A notebook could not be deleted, or was restored: it is as it was left. */
  putBack({ opened, wasShown }: LeftNotebook): void {
    const { document } = opened;
    this.#open.putBack(opened);
    // It may have been opened again meanwhile, without what was not saved.
    if (!wasShown && this.current?.id !== document.id) return;
    this.#selecting = null;
    this.#show(document);
  }

  /** Saves a running reply as it grows. @returns to call when it grew, and when it ended */
  follow(notebook: NotebookDocument, reply: Reply): { grew(): void; ended(): void } {
    return this.#open.follow(notebook, reply);
  }

  async retry(id: string): Promise<void> {
    await this.#open.retry(id);
  }

  async flush(): Promise<void> {
    await this.#open.flush();
  }

  /** The page is closing: sends unsaved changes without waiting. */
  flushLast(): void {
    this.#open.flushLast();
  }

  /** Events may have been missed, for example during sleep. */
  catchUp(): void {
    this.#open.catchUp();
  }

  #show(notebook: NotebookDocument): void {
    this.current = notebook;
    this.#open.show(notebook);
  }
}
