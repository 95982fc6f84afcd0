import type { ChatMessage } from '../../../src-main/engine/types.ts';
import type { Chat, ChatSummary } from '../../../src-main/protocol/app-services.ts';
import { newId, now } from './identity.ts';
import { Reply } from './reply.svelte.ts';

export class UserTurn {
  readonly role = 'user';
  constructor(
    readonly id: string,
    readonly text: string,
    readonly createdAt: string,
  ) {}
}

/** An answer in all its versions. */
export class AssistantTurn {
  readonly role = 'assistant';
  versions = $state.raw<readonly Reply[]>([]);
  active = $state(0);

  constructor(readonly id: string) {}

  /** The version that is shown and that later turns build on; null before the first. */
  get reply(): Reply | null {
    return this.versions[this.active] ?? null;
  }

  addVersion(reply: Reply): void {
    this.versions = [...this.versions, reply];
    this.active = this.versions.length - 1;
  }
}

export type ChatTurn = UserTurn | AssistantTurn;

/** A chat that is open. */
export class ChatDocument {
  title = $state('');
  /** Read before the first turn; blank: none. */
  systemPrompt = $state('');
  turns = $state.raw<readonly ChatTurn[]>([]);
  updatedAt: string;
  /** The model that it was begun with; empty until there is a reply. */
  model = $state.raw<{ readonly id: string; readonly name: string }>({ id: '', name: '' });

  constructor(
    readonly id: string,
    readonly createdAt: string,
  ) {
    this.updatedAt = createdAt;
  }

  static create(): ChatDocument {
    return new ChatDocument(newId(), now());
  }

  static from(stored: Chat): ChatDocument {
    const chat = new ChatDocument(stored.id, stored.createdAt);
    chat.model = { id: stored.modelId, name: stored.modelName };
    chat.title = stored.title;
    chat.systemPrompt = stored.systemPrompt;
    chat.updatedAt = stored.updatedAt;
    chat.turns = stored.turns.map((turn) => {
      if (turn.role === 'user') return new UserTurn(turn.id, turn.text, turn.createdAt);
      const answer = new AssistantTurn(turn.id);
      answer.versions = turn.versions.map((version) => Reply.from(version));
      answer.active = Math.min(turn.active, Math.max(0, turn.versions.length - 1));
      return answer;
    });
    return chat;
  }

  get isEmpty(): boolean {
    return this.turns.length === 0;
  }

  /** The answer that Regenerate and Continue work on. */
  get lastAnswer(): AssistantTurn | null {
    const last = this.turns.at(-1);
    return last?.role === 'assistant' ? last : null;
  }

  /** The newest reply; null in an empty chat. */
  get lastReply(): Reply | null {
    return this.lastAnswer?.reply ?? null;
  }

  /** The newest answer that the model began to work on: one that was refused says nothing about the window. */
  get lastStarted(): { answer: AssistantTurn; reply: Reply } | null {
    for (const turn of this.turns.toReversed()) {
      if (turn.role === 'user' || turn.reply === null) continue;
      if (turn.reply.promptTokens > 0) return { answer: turn, reply: turn.reply };
    }
    return null;
  }

  addUserTurn(text: string): void {
    this.turns = [...this.turns, new UserTurn(newId(), text, now())];
  }

  addAnswer(): AssistantTurn {
    const answer = new AssistantTurn(newId());
    this.turns = [...this.turns, answer];
    return answer;
  }

  /**
   * What the model reads, oldest first, with the turn that each message comes from; the system prompt comes from none.
   * Replies without text are left out, and so is what a model thought before its answer.
   *
   * @param before leave out this turn and what follows it
   */
  messages(before?: ChatTurn): { message: ChatMessage; turn: ChatTurn | null }[] {
    const end = before === undefined ? this.turns.length : this.turns.indexOf(before);
    const system = { message: { role: 'system', text: this.systemPrompt }, turn: null } as const;
    const said = this.turns.slice(0, end).flatMap((turn): { message: ChatMessage; turn: ChatTurn }[] => {
      const text = turn.role === 'user' ? turn.text : (turn.reply?.answer ?? '');
      return text === '' ? [] : [{ message: { role: turn.role, text }, turn }];
    });
    return this.systemPrompt.trim() === '' ? said : [system, ...said];
  }

  toStored(): Chat {
    return {
      id: this.id,
      title: this.title,
      modelId: this.model.id,
      modelName: this.model.name,
      systemPrompt: this.systemPrompt,
      createdAt: this.createdAt,
      updatedAt: this.updatedAt,
      turns: this.turns.map((turn) => {
        if (turn.role === 'user') return { id: turn.id, role: turn.role, text: turn.text, createdAt: turn.createdAt };
        const { id, role, active } = turn;
        return { id, role, active, versions: turn.versions.map((reply) => reply.toStored()) };
      }),
    };
  }

  summary(): ChatSummary {
    const { id, title, createdAt, updatedAt } = this;
    return { id, title, createdAt, updatedAt, turns: this.turns.length };
  }
}
