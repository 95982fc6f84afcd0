/** The model's input: plain data, as in `types.ts`. */

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  text: string;
}

/**
 * What happens when the context window is full. `stop`: a prompt that does not fit is refused with CONTEXT_FULL, and a
 * reply stops at the window's end. `drop_oldest`: whole turns of a chat that does not fit are dropped, the oldest first.
 * `shift`: in addition, the reply continues; each time, the oldest half of the window is dropped (never the first token
 * and the system message), and the rest is prefilled again.
 */
export type WhenFull = 'stop' | 'drop_oldest' | 'shift';

/** A prompt. The engine assembles a `chat`, because the format depends on the model. */
export type PromptInput =
  | {
      kind: 'text';
      text: string;
      addBos?: boolean;
      parseSpecial?: boolean;
      whenFull?: Exclude<WhenFull, 'drop_oldest'>;
    }
  | { kind: 'ids'; ids: number[]; whenFull?: Exclude<WhenFull, 'drop_oldest'> }
  | {
      kind: 'chat';
      /** Oldest first. If the last is the assistant's, the model continues it. */
      messages: ChatMessage[];
      /** Default `stop`. */
      whenFull?: WhenFull;
      /** How the messages become one text; by default as the model's file says, or `plain`. */
      template?: ChatTemplateChoice;
      /** For templates with `enable_thinking`: whether the model may reason before it answers. */
      enableThinking?: boolean;
    };

/** The template of the model's file, one that works for any model (role names), or a custom Jinja source. */
export type ChatTemplateChoice = { kind: 'model' } | { kind: 'plain' } | { kind: 'custom'; source: string };
