import { SvelteMap } from 'svelte/reactivity';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { PageServices } from '../../../lib/services.ts';
import type { UnsavedChat } from '../../chat/state/chats.svelte.ts';
import { newId } from '../../chat/state/identity.ts';
import { Outbox } from '../../chat/state/outbox.svelte.ts';
import type { Reply } from '../../chat/state/reply.svelte.ts';
import { insertTyped, NotebookDocument, TYPED } from './notebook-document.svelte.ts';

interface OpenNotebook {
  readonly notebook: NotebookDocument;
  readonly outbox: Outbox;
}

/** The open notebook. Notebooks are listed, renamed and deleted among the chats (`ChatsState`). */
export class NotebooksState {
  /** Null while a chat is open. */
  current = $state.raw<NotebookDocument | null>(null);
  /** Why a notebook could not be opened, or null. */
  error = $state<string | null>(null);
  readonly #services: PageServices;
  readonly #origin = newId();
  /** The open notebook, and those with unsaved changes, which exist nowhere else. */
  readonly #open = new SvelteMap<string, OpenNotebook>();
  #selecting: string | null = null;

  constructor(services: PageServices) {
    this.#services = services;
    services.onEvent((event) => {
      if (event.type === 'chat') this.#open.get(event.id)?.outbox.hear(event);
      else if (event.type === 'chats') this.catchUp();
      else if (event.type === 'host') void this.flush();
    });
  }

  /** Notebooks that could not be saved. */
  get unsaved(): readonly UnsavedChat[] {
    return [...this.#open.values()].flatMap(({ notebook, outbox }) =>
      outbox.problem === null ? [] : [{ id: notebook.id, title: notebook.title, problem: outbox.problem }],
    );
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
    if (open !== undefined) return this.#show(open.notebook);
    try {
      const stored = await this.#services.invoke('chatGet', id);
      if (this.#selecting !== id) return;
      this.error = null;
      if (stored !== null) this.#show(NotebookDocument.from(stored, this.#detailsOf(id)));
    } catch (thrown) {
      this.error = EngineError.from(thrown).message;
    }
  }

  /** A chat was opened instead. */
  close(): void {
    this.#selecting = null;
    this.current = null;
    this.#letGo();
  }

  /** Saves and releases a notebook that is about to be deleted. @returns whether it was open */
  async leave(id: string): Promise<boolean> {
    const open = this.#open.get(id);
    await open?.outbox.flush();
    open?.outbox.close();
    this.#open.delete(id);
    const wasOpen = this.current?.id === id;
    if (wasOpen) this.close();
    return wasOpen;
  }

  /** Saves a running reply as it grows. @returns to call when it grew, and when it ended */
  follow(notebook: NotebookDocument, reply: Reply): { grew(): void; ended(): void } {
    notebook.writing = reply;
    const { outbox } = this.#keep(notebook);
    outbox.follow(reply);
    return {
      grew: () => outbox.grew(),
      ended: () => {
        outbox.unfollow();
        notebook.noteReply(reply);
        notebook.writing = null;
      },
    };
  }

  async retry(id: string): Promise<void> {
    await this.#open.get(id)?.outbox.retry();
  }

  async flush(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ outbox }) => outbox.flush()));
  }

  /** The page is closing: sends unsaved changes without waiting. */
  flushLast(): void {
    for (const { outbox } of this.#open.values()) outbox.flushLast();
  }

  /** Events may have been missed, for example during sleep. */
  catchUp(): void {
    for (const { outbox } of this.#open.values()) outbox.catchUp();
  }

  #show(notebook: NotebookDocument): void {
    this.current = notebook;
    this.#keep(notebook);
    this.#letGo();
  }

  #keep(notebook: NotebookDocument): OpenNotebook {
    const known = this.#open.get(notebook.id);
    if (known !== undefined) return known;
    notebook.loadDetails ??= this.#detailsOf(notebook.id);
    const outbox = new Outbox({
      services: this.#services,
      chat: notebook,
      origin: this.#origin,
      onChange: () => undefined,
      onIdle: () => this.#letGo(),
    });
    const open = { notebook, outbox };
    this.#open.set(notebook.id, open);
    return open;
  }

  #detailsOf(id: string) {
    return (turn: string, from: number, count: number) =>
      this.#services.invoke('chatDetails', { id, turn, from, count });
  }

  #letGo(): void {
    for (const [id, { notebook, outbox }] of this.#open) {
      if (notebook === this.current || notebook.writing !== null) continue;
      if (outbox.idle || (notebook.isEmpty && notebook.revision === 0)) this.#open.delete(id);
    }
  }
}
