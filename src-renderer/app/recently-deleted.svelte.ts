import { EngineError } from '../../src-main/engine/api/errors.ts';
import type { AppServices } from '../../src-main/protocol/app/app-services.ts';
import type { DeletedChat } from '../../src-main/protocol/app/recently-deleted.ts';
import type { ChatsState } from '../features/chat/state/chats.svelte.ts';
import { announce } from '../ui/live-region.svelte.ts';
import { countText, kindOf } from './chat-kind.ts';
import { deletedName } from './deleted-text.ts';

/** Deleted chats and notebooks that can be restored. */
export class RecentlyDeleted {
  /** The latest deletion first; null until they have been read. */
  list = $state.raw<readonly DeletedChat[] | null>(null);
  readonly #services: AppServices;
  readonly #chats: Pick<ChatsState, 'purge' | 'refresh'>;
  #readProblem = $state<string | null>(null);
  #changeProblem = $state<string | null>(null);
  #reading: Promise<void> | null = null;
  #readAgain = false;
  #isChanging = false;

  constructor(services: AppServices, chats: Pick<ChatsState, 'purge' | 'refresh'>) {
    this.#services = services;
    this.#chats = chats;
  }

  /** Why the list could not be read, or a chat not be restored or deleted; null if all is well. */
  get problem(): string | null {
    return this.#changeProblem ?? this.#readProblem;
  }

  /** Reads the list now, and whenever chats change here or in another window. @returns ends that */
  follow(): () => void {
    this.#changeProblem = null;
    const stop = this.#services.onEvent(({ type }) => {
      if (type === 'chats') void this.refresh();
    });
    void this.refresh();
    return stop;
  }

  /** Reads the list. Calls during a read cause one more read. */
  async refresh(): Promise<void> {
    this.#readAgain = true;
    this.#reading ??= this.#read();
    await this.#reading;
  }

  /**
   * Restores chats. One that cannot be restored does not keep the others from it.
   * @returns false if one failed, see `problem`
   */
  async restore(chats: readonly DeletedChat[]): Promise<boolean> {
    const work = async () => {
      let failure: EngineError | null = null;
      for (const { id } of chats) {
        try {
          await this.#services.invoke('chatRestore', id);
        } catch (thrown) {
          failure ??= EngineError.from(thrown);
        }
      }
      if (failure !== null) throw failure;
      await this.#chats.refresh();
    };
    return await this.#change(chats, work, 'restored');
  }

  /** Deletes chats for good. @returns false if it failed, see `problem` */
  async purge(chats: readonly DeletedChat[]): Promise<boolean> {
    return await this.#change(chats, () => this.#chats.purge(chats.map(({ id }) => id)), 'deleted for good');
  }

  async #read(): Promise<void> {
    while (this.#readAgain) {
      this.#readAgain = false;
      try {
        this.list = await this.#services.invoke('chatsDeleted');
        this.#readProblem = null;
      } catch (thrown) {
        this.#readProblem = EngineError.from(thrown).message;
      }
    }
    this.#reading = null;
  }

  /** @param done what became of the chats, for screen readers */
  async #change(chats: readonly DeletedChat[], work: () => Promise<void>, done: string): Promise<boolean> {
    // A second click, before the row is gone.
    if (this.#isChanging) return false;
    this.#isChanging = true;
    this.#changeProblem = null;
    const ids = chats.map(({ id }) => id);
    try {
      await work();
      this.list = this.list?.filter(({ id }) => !ids.includes(id)) ?? null;
      const [first] = chats;
      const many = `${countText(chats)} ${done}`;
      announce(chats.length === 1 ? `${kindOf(first)} ${done}: ${deletedName(first)}` : many);
      return true;
    } catch (thrown) {
      this.#changeProblem = EngineError.from(thrown).message;
      return false;
    } finally {
      this.#isChanging = false;
      void this.refresh();
    }
  }
}
