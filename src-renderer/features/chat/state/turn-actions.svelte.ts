import { SvelteMap } from 'svelte/reactivity';
import type { SamplingParams } from '../../../../src-main/engine/api/types.ts';
import type { Attachment } from '../../../../src-main/protocol/app/chats/chat.ts';
import { MAX_TEXT } from '../../../../src-main/protocol/fields.ts';
import { typedOf, withTyped } from '../attachments/message-text.ts';
import type { ChatDocument, ChatTurn, UserTurn } from './chat-document.svelte.ts';
import type { ChatsState } from './chats.svelte.ts';
import { Reply } from './reply.svelte.ts';
import { editableFrom, editedReply, typedTokens } from './typed-tokens.ts';

/** What an editor in the thread writes: another version of a turn, or a reply to it. */
export type EditKind = 'edit' | 'reply';

interface NamedModel {
  readonly id: string;
  readonly name: string;
}

interface SessionParts {
  readonly chats: ChatsState;
  /** Nothing can be generated in the open chat now. */
  waits(): boolean;
  /** Facts of a reply that begins now. */
  newFacts(): Reply['facts'];
  /** Whether a message fits into the context window in place of a turn. */
  fits(chat: ChatDocument, text: string, turn: UserTurn): Promise<boolean>;
  /** Whether a chat is about to be deleted. */
  isLeaving(chat: ChatDocument): boolean;
  /**
   * Loads a model to answer in a chat. @returns whether it is loaded, and the chat still there
   * @param load resolves when the model is loaded or loading failed
   */
  load(chat: ChatDocument, model: NamedModel, load: () => Promise<void>): Promise<boolean>;
  /** Generates a reply, or continues it. */
  answer(chat: ChatDocument, reply: Reply, sampling?: SamplingParams): Promise<void>;
  /** Resolves when the running reply has ended, if it is one of `chat` and `isWanted` says that it is the one. */
  stopFor(chat: ChatDocument, isWanted: (reply: Reply) => boolean): Promise<void>;
}

/** Actions on any turn of the open chat. Nothing is overwritten: a changed turn is another version. */
export class TurnActions {
  /** Texts in open editors, so that they survive scrolling and switching chats. By `#keyOf`, like those below. */
  readonly #texts = new SvelteMap<string, string>();
  /** Where files begin that were removed in the editor of a message. */
  readonly #removed = new SvelteMap<string, readonly number[]>();
  readonly #parts: SessionParts;
  /** The text that does not fit into the context window. */
  readonly #tooLong = new SvelteMap<string, string>();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** The text in a turn's editor; null while it is closed. @param chat of the turn; default, here and below: the open one */
  textOf(turn: ChatTurn, kind: EditKind = 'edit', chat = this.#chat): string | null {
    return this.#texts.get(keyOf(chat, turn, kind)) ?? null;
  }

  setText(turn: ChatTurn, kind: EditKind, text: string, chat = this.#chat): void {
    this.#texts.set(keyOf(chat, turn, kind), text);
  }

  /** Opens a turn's editor. */
  open(turn: ChatTurn, kind: EditKind = 'edit'): void {
    if (this.textOf(turn, kind) !== null || this.blocks(turn) !== null) return;
    this.setText(turn, kind, this.originalOf(turn, kind));
  }

  /** The text that an editor begins with. */
  originalOf(turn: ChatTurn, kind: EditKind): string {
    return kind === 'reply' ? '' : editableText(turn);
  }

  close(turn: ChatTurn, kind: EditKind = 'edit', chat = this.#chat): void {
    this.#texts.delete(keyOf(chat, turn, kind));
    if (kind === 'edit') this.#removed.delete(keyOf(chat, turn));
  }

  /** The files of a message, without those that were removed in its editor. */
  filesOf(turn: UserTurn, chat = this.#chat): readonly Attachment[] {
    const removed = this.#removed.get(keyOf(chat, turn)) ?? [];
    return turn.attachments.filter(({ start }) => !removed.includes(start));
  }

  removeFile(turn: UserTurn, { start }: Attachment): void {
    const key = keyOf(this.#chat, turn);
    this.#removed.set(key, [...(this.#removed.get(key) ?? []), start]);
    this.forgetSize(turn);
  }

  /** Nothing can be generated now. */
  get waits(): boolean {
    return this.#parts.waits();
  }

  /** Why a turn cannot be edited now, or null. */
  blocks(turn: ChatTurn): string | null {
    if (!(turn instanceof Reply)) return null;
    if (turn.elsewhere) return 'This reply is being generated in another window. Wait for it or stop it there.';
    return turn.running ? 'This reply is being generated. Stop it before you edit it.' : null;
  }

  /** Whether the text in a turn's editor was found to be too long for the context window. */
  isTooLong(turn: UserTurn, text: string): boolean {
    return this.#tooLong.get(keyOf(this.#chat, turn)) === text;
  }

  /** Whether a changed message fits into the context window. If not, its editor says so. */
  async fits(turn: UserTurn, text: string): Promise<boolean> {
    const chat = this.#chat;
    const message = withTyped(turn, text, this.filesOf(turn)).text;
    const fits = message.length <= MAX_TEXT && (await this.#parts.fits(chat, message, turn));
    if (fits) this.#tooLong.delete(keyOf(chat, turn));
    else this.#tooLong.set(keyOf(chat, turn), text);
    return fits;
  }

  /** The context window or the chat's setting has changed: a message that was too long may fit. */
  forgetSize(turn: UserTurn): void {
    this.#tooLong.delete(keyOf(this.#chat, turn));
  }

  /**
   * Sends a changed message as another version of it, with the files that it still has, if it fits into the context window.
   * It goes to its own chat, even if another one was opened meanwhile.
   * @param onsent it is in the chat; the reply follows
   */
  async send(turn: UserTurn, text: string, onsent: () => void = () => undefined): Promise<void> {
    const chat = this.#chat;
    if (this.waits || (text.trim() === '' && this.filesOf(turn).length === 0)) return;
    const isOpen = this.textOf(turn) !== null;
    if (!(await this.fits(turn, text)) || this.waits || this.#parts.isLeaving(chat)) return;
    // Its editor was closed meanwhile.
    if (isOpen && this.textOf(turn, 'edit', chat) === null) return;
    // Removing a file only makes it shorter.
    const message = withTyped(turn, text, this.filesOf(turn, chat));
    this.close(turn, 'edit', chat);
    chat.addUserTurn(message.text, turn.parent, message.attachments);
    onsent();
    await this.#parts.answer(chat, chat.addReply(this.#parts.newFacts()));
  }

  /** Generates a reply to a message, for example to one that has none yet. */
  async answer(turn: UserTurn): Promise<void> {
    if (this.waits) return;
    const chat = this.#chat;
    await this.#parts.answer(chat, chat.addReply(this.#parts.newFacts(), turn.id));
  }

  /** Saves a changed reply as another version. @param continues the model continues it */
  async saveReply(reply: Reply, text: string, continues: boolean): Promise<void> {
    if (this.blocks(reply) !== null || (continues && this.waits)) return;
    const { index, ...edited } = editedReply(reply, text);
    const facts = { ...this.#typedFacts(), edit: { turn: reply.id, index } };
    // What a model wrote is still its own.
    const { modelId, model, vocabularySize } = reply.facts;
    this.close(reply);
    await this.#addTyped({ ...edited, facts: { ...facts, modelId, model, vocabularySize } }, reply.parent, continues);
  }

  /** Adds a reply that a person wrote. @param continues the model continues it */
  async writeReply(turn: UserTurn, text: string, continues: boolean): Promise<void> {
    if (text === '' || (continues && this.waits)) return;
    const facts = { ...this.#typedFacts(), modelId: '', model: '', edit: { turn: null, index: 0 } };
    this.close(turn, 'reply');
    await this.#addTyped({ text, tokens: typedTokens(text), facts }, turn.id, continues);
  }

  /** Generates another version of a reply. @param sampling instead of the settings */
  async regenerate(reply: Reply, sampling?: SamplingParams): Promise<void> {
    if (this.waits) return;
    const chat = this.#chat;
    await this.#parts.answer(chat, chat.addReply(this.#parts.newFacts(), reply.parent), sampling);
  }

  /**
   * Loads another model, then generates another version of a reply.
   * @param load resolves when the model is loaded or loading failed
   * @param onadded the version is in the chat; its text follows
   */
  async regenerateWith(
    reply: Reply,
    model: NamedModel,
    load: () => Promise<void>,
    onadded: () => void = () => undefined,
  ): Promise<void> {
    const chat = this.#chat;
    if (this.waits || !(await this.#parts.load(chat, model, load))) return;
    if (this.waits || this.#parts.isLeaving(chat) || chat.isHidden(reply)) return;
    const version = chat.addReply(this.#parts.newFacts(), reply.parent);
    onadded();
    await this.#parts.answer(chat, version);
  }

  /** Ends the shown path at a turn; the next message continues from there. @returns undoes it */
  branchAt(turn: ChatTurn): () => Promise<void> {
    const chat = this.#chat;
    const changes = chat.branchAt(turn);
    return async () => await this.#parts.chats.change(chat.id, changes);
  }

  /** Deletes a turn with all that follows it. A reply that runs there is stopped first. @returns undoes it */
  async remove(turn: ChatTurn): Promise<() => Promise<void>> {
    const chat = this.#chat;
    await this.#parts.stopFor(chat, (reply) => chat.isFrom(turn, reply));
    const changes = chat.remove(turn);
    return async () => await this.#parts.chats.change(chat.id, changes);
  }

  /** Turns that are deleted with a turn, in all branches. */
  countAfter(turn: ChatTurn): number {
    let count = 0;
    const open = [...this.#chat.followersOf(turn.id)];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      count++;
      open.push(...this.#chat.followersOf(next.id));
    }
    return count;
  }

  get #chat(): ChatDocument {
    return this.#parts.chats.current;
  }

  #typedFacts(): Reply['facts'] {
    return { ...this.#parts.newFacts(), stop: { reason: 'user', tokens: 0 }, run: null };
  }

  async #addTyped(
    reply: Parameters<ChatDocument['addFinishedReply']>[0],
    parent: string | null,
    continues: boolean,
  ): Promise<void> {
    const chat = this.#chat;
    const added = chat.addFinishedReply(reply, parent);
    if (continues) await this.#parts.answer(chat, added);
  }
}

/** Copies of a chat have turns with the same ids. */
function keyOf(chat: ChatDocument, turn: ChatTurn, kind: EditKind = 'edit'): string {
  return `${chat.id} ${kind} ${turn.id}`;
}

function editableText(turn: ChatTurn): string {
  return turn instanceof Reply ? turn.slice(editableFrom(turn), turn.length) : typedOf(turn);
}
