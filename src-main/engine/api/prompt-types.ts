/** What a model is given to read: plain data, as in `types.ts`. */

export interface ChatMessage {
  role: 'system' | 'user' | 'assistant';
  text: string;
}

/**
 * What happens when the context window is full. A prompt that does not fit is refused with CONTEXT_FULL, and a reply that
 * reaches the window's end stops. `drop_oldest`: of a chat that does not fit, whole turns are left out, the oldest first.
 * `shift`: that, and the reply goes on; the oldest half of what the model reads is left out each time (never the first
 * token and the system message), and the rest is read again.
 */
export type WhenFull = 'stop' | 'drop_oldest' | 'shift';

/** What the model reads. `chat` is assembled by the engine, because how depends on the model. */
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
      /** Oldest first. When the last is the assistant's, the model continues it. */
      messages: ChatMessage[];
      /** Default `stop`. */
      whenFull?: WhenFull;
      /** How the messages become one text; left out: as the model's file says, `plain` where it says nothing. */
      template?: ChatTemplateChoice;
      /** For templates that ask (`enable_thinking`): whether the model may reason before it answers. */
      enableThinking?: boolean;
      /** The time that a template which writes the date is told, ISO 8601. Default now. */
      date?: string;
    };

/** The template of the model's file, one that needs no template (roles by name), or a Jinja source of one's own. */
export type ChatTemplateChoice = { kind: 'model' } | { kind: 'plain' } | { kind: 'custom'; source: string };
