import type { ChatMessage, GenerateParams } from '../../../../engine/api/types.ts';
import type { EngineClient } from '../../../../protocol/engine/client.ts';
import { fromErrorPayload } from '../../../../protocol/errors.ts';
import { hasEnded } from '../engine-session.ts';
import type { Output } from '../output.ts';
import { streamReply, textOf, type WrittenReply } from '../reply-stream.ts';
import { ReplyWriter } from '../reply-writer.ts';

export interface ConversationOptions {
  readonly client: EngineClient;
  /** Params for a reply to these messages. */
  readonly paramsFor: (messages: ChatMessage[]) => GenerateParams;
  /** For answers. */
  readonly out: Output;
  /** For everything else. */
  readonly err: Output;
  /** Whether `err` shows dimmed text. */
  readonly dim: boolean;
}

/** A growing chat: its messages, and how answers are generated. */
export class Conversation {
  /** Null for none. */
  system: string | null = null;
  private messages: ChatMessage[] = [];
  /** Notices already shown, and the number of dropped messages so far. */
  private readonly said = new Set<string>();
  private leftOut = 0;

  constructor(private readonly options: ConversationOptions) {}

  /** Whether the engine has ended, so that there will be no more answers. */
  engineEnded(): Promise<boolean> {
    return hasEnded(this.options.client);
  }

  /** Clears the messages; the system prompt stays. */
  reset(): void {
    this.messages = [];
    this.leftOut = 0;
  }

  /** The last message that was answered, and the number of messages before it; null when there is none. */
  lastQuestion(): { text: string; before: number } | null {
    const before = this.messages.findLastIndex(({ role }) => role === 'user');
    return before === -1 ? null : { text: this.messages[before].text, before };
  }

  /**
   * Answers a message and prints the answer. If `signal` stops it, the text so far is the answer. Without any, the
   * messages remain as they were.
   * @param before number of messages before it: the question and its answer replace those after them
   * @throws EngineError when there is no answer
   */
  async ask(text: string, signal: AbortSignal, before = this.messages.length): Promise<WrittenReply> {
    const { client, paramsFor, out, err, dim } = this.options;
    const system: ChatMessage[] = this.system === null ? [] : [{ role: 'system', text: this.system }];
    const messages: ChatMessage[] = [...this.messages.slice(0, before), { role: 'user', text }];
    const writer = new ReplyWriter(out, err, dim);
    const streamed = streamReply(client, paramsFor([...system, ...messages]), signal, {
      start: ({ notices, segments }) => {
        return this.tell(
          notices,
          segments.filter(({ dropped }) => dropped),
        );
      },
      token: (token) => writer.token(token),
    });
    const reply = await writer.during(streamed);
    if (reply.tokens.length > 0) await writer.end();
    for (const notice of reply.notices) await err.line(`Note: ${notice}`);
    const { stop } = reply.end;
    if (stop.reason === 'error' && reply.tokens.length === 0) throw fromErrorPayload(stop.error);
    if (stop.reason === 'user' && reply.tokens.length === 0) return reply;
    // Templates of reasoning models omit the reasoning of earlier answers, so it is not kept.
    const answer = textOf(reply.tokens, 'answer');
    const reasoned = reply.tokens.some(({ part }) => part !== 'answer');
    this.messages = [...messages, { role: 'assistant', text: reasoned ? answer.trimStart() : answer }];
    return reply;
  }

  private async tell(notices: readonly string[], dropped: readonly unknown[]): Promise<void> {
    const { err } = this.options;
    for (const notice of notices.filter((each) => !this.said.has(each))) {
      this.said.add(notice);
      await err.line(`Note: ${notice}`);
    }
    const before = this.leftOut;
    this.leftOut = dropped.length;
    // Fewer after a shorter system prompt, for example.
    if (dropped.length <= before) return;
    const left = dropped.length === 1 ? 'the oldest message was' : `the ${dropped.length} oldest messages were`;
    await err.line(`Note: the context window is full, so ${left} dropped.`);
  }
}
