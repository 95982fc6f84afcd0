import { EngineError } from '../api/errors.ts';
import type { ChatMessage } from '../api/types.ts';
import type { ChatFormat, ChatText, NumberedMessage, Span } from './chat-text.ts';
import { messageValue } from './jinja/from-json.ts';
import { Template, TemplateError, type Rendered } from './jinja/template.ts';
import { joinTexts, Text } from './jinja/text.ts';
import { List, type Value } from './jinja/values.ts';
import { templateLimits } from './jinja/budget.ts';

export interface TemplateFormatOptions {
  /** The template, in Jinja. */
  readonly source: string;
  /** Whose it is, for errors: `The chat template of SmolLM2`. */
  readonly name: string;
  /** `bos_token` and `eos_token`: their pieces, empty where there is none. */
  readonly tokens: { readonly bos: string; readonly eos: string };
  /** Left out: the template decides. */
  readonly enableThinking?: boolean | undefined;
  /** What `strftime_now` shows. */
  readonly now: Date;
}

/** A message as a template gets it; what it holds may come from several. */
interface TemplateMessage {
  readonly role: ChatMessage['role'];
  readonly content: Text;
  readonly index: number;
}

/**
 * The format that a chat template defines. A last message of the assistant is what the reply continues: it stands, as it
 * is, where a new reply would begin.
 *
 * What a template refuses or leaves out is not dropped: a system message it does not know goes before a user's message,
 * messages in a row of one role are joined, and `notices` says so.
 *
 * @throws EngineError CHAT_TEMPLATE with line and column, now or from the format
 */
export function templateFormat(options: TemplateFormatOptions): ChatFormat {
  const template = located(options, () => new Template(options.source));
  return (messages): ChatText => {
    const last = messages.at(-1);
    const continued = last?.role === 'assistant' ? last : null;
    const history = continued === null ? messages : messages.slice(0, -1);
    const chat = renderMended(template, history, options);
    return continued === null || continued.text === '' ? chat : withContinuation(chat, continued);
  };
}

function withContinuation(chat: ChatText, { text, index }: NumberedMessage): ChatText {
  const span = { start: chat.text.length, end: chat.text.length + text.length };
  return {
    ...chat,
    text: chat.text + text,
    written: [...chat.written, { ...span, role: 'assistant' }],
    owners: [...chat.owners, { ...span, message: index }],
  };
}

interface Attempt {
  readonly messages: readonly TemplateMessage[];
  /** What was done to the messages, for people. */
  readonly mends: readonly string[];
}

const FOLDED = 'The chat template has no system role. The system message was put before the next user message.';
const JOINED = 'The chat template requires alternating roles. Consecutive messages of the same role were joined.';

/** The messages as they are, then mended in the ways that apply to them, the slightest first. */
function attemptsFor(numbered: readonly NumberedMessage[]): Attempt[] {
  const messages = numbered.map(({ role, text, index }) => ({ role, content: Text.from(text, index), index }));
  const folded = foldSystem(messages);
  const attempts: Attempt[] = [{ messages, mends: [] }];
  if (folded !== messages) attempts.push({ messages: folded, mends: [FOLDED] });
  for (const { messages: apart, mends } of [...attempts]) {
    const joined = joinNeighbours(apart);
    if (joined !== apart) attempts.push({ messages: joined, mends: [...mends, JOINED] });
  }
  return attempts;
}

/** Renders the messages, mended as little as the template asks for. */
function renderMended(
  template: Template,
  messages: readonly NumberedMessage[],
  options: TemplateFormatOptions,
): ChatText {
  let refusal: TemplateError | null = null;
  let incomplete: ChatText | null = null;
  for (const attempt of attemptsFor(messages)) {
    try {
      const rendered = render(template, attempt.messages, options);
      const chat = chatText(rendered, attempt, options.source);
      if (!lostSystem(attempt.messages, rendered)) return chat;
      // A template that passes over the system message may still take it from the user.
      incomplete ??= chat;
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      refusal ??= thrown;
      if (thrown.limit) break;
    }
  }
  if (incomplete) return incomplete;
  throw refusal ? asEngineError(refusal, options) : new EngineError('INTERNAL', 'No template was rendered.');
}

function lostSystem(messages: readonly TemplateMessage[], { text }: Rendered): boolean {
  return messages.some(({ role, content, index }) => {
    return role === 'system' && content.value.trim() !== '' && !text.marks.some(({ message }) => message === index);
  });
}

function render(
  template: Template,
  messages: readonly TemplateMessage[],
  { tokens, enableThinking, now }: TemplateFormatOptions,
): Rendered {
  const variables = new Map<string, Value>([
    ['messages', new List(messages.map(({ role, content, index }) => messageValue(role, content, index)))],
    ['add_generation_prompt', true],
    ['bos_token', new Text(tokens.bos)],
    ['eos_token', new Text(tokens.eos)],
    ['tools', null],
    ['documents', null],
  ]);
  if (enableThinking !== undefined) variables.set('enable_thinking', enableThinking);
  const characters = messages.reduce((sum, { content }) => sum + content.value.length, 0);
  return template.render({ variables, now, limits: templateLimits(characters, messages.length) });
}

/** System messages go into the user's message after them. The same list when there are none, or no place for them. */
function foldSystem(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
  const lastUser = messages.findLastIndex(({ role }) => role === 'user');
  if (!messages.slice(0, lastUser + 1).some(({ role }) => role === 'system')) return messages;
  const folded: TemplateMessage[] = [];
  let waiting: Text[] = [];
  messages.forEach((message, i) => {
    // Behind the last message of the user there is none to go before.
    if (message.role === 'system' && i < lastUser) waiting.push(message.content.strip(null));
    else if (message.role === 'user' && waiting.length > 0) {
      folded.push({ ...message, content: joinTexts([...waiting, message.content], GAP) });
      waiting = [];
    } else folded.push(message);
  });
  return folded;
}

/** Messages of one role in a row become one. The same list when there are none. */
function joinNeighbours(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
  if (!messages.some(({ role }, i) => i > 0 && role === messages[i - 1].role)) return messages;
  const joined: TemplateMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (last?.role === message.role) {
      joined[joined.length - 1] = { ...last, content: joinTexts([last.content, message.content], GAP) };
    } else joined.push(message);
  }
  return joined;
}

const GAP = new Text('\n\n');

function chatText({ text, owners }: Rendered, { messages, mends }: Attempt, source: string): ChatText {
  const roles = new Map(messages.map(({ index, role }) => [index, role]));
  const shown = new Set(text.marks.map(({ message }) => message));
  const notices = [...mends];
  const elsewhere = text.marks
    .filter(({ message }) => roles.get(message) === 'system')
    .some((mark) => owners.some((owner) => roles.get(owner.message) === 'user' && overlap(owner, mark)));
  if (elsewhere) notices.push('The chat template puts the system message into a user message.');
  for (const { role, content, index } of messages) {
    if (content.value.trim() === '' || shown.has(index)) continue;
    notices.push(`The chat template leaves out message ${index + 1} (role: ${role}).`);
  }
  return {
    text: text.value,
    // What was put into another's message counts as a person's.
    written: text.marks.map(({ start, end, message }) => ({ start, end, role: roles.get(message) ?? 'user' })),
    owners: ownersOf(owners, text.marks),
    turnStart: text.marks.at(-1)?.end ?? 0,
    template: source,
    notices,
  };
}

function overlap(a: Span, b: Span): boolean {
  return a.start < b.end && a.end > b.start;
}

type Owned = Span & { readonly message: number };

/** What was written belongs to its message, the rest to the one that the template was at. */
function ownersOf(loops: readonly Owned[], marks: readonly Owned[]): Owned[] {
  const cuts = [...new Set([...loops, ...marks].flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const owned: Owned[] = [];
  let [loop, mark] = [0, 0];
  cuts.slice(0, -1).forEach((start, i) => {
    while (mark < marks.length && marks[mark].end <= start) mark++;
    while (loop < loops.length && loops[loop].end <= start) loop++;
    const owner = [marks[mark], loops[loop]].find((span) => span !== undefined && span.start <= start);
    if (owner) owned.push({ start, end: cuts[i + 1], message: owner.message });
  });
  return owned;
}

function located<T>(options: TemplateFormatOptions, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    throw thrown instanceof TemplateError ? asEngineError(thrown, options) : thrown;
  }
}

function asEngineError({ message, line, column, limit }: TemplateError, { name }: TemplateFormatOptions): EngineError {
  const what = `${name} ${limit ? 'was stopped' : 'failed'} at line ${line}, column ${column}: ${message}`;
  return new EngineError('CHAT_TEMPLATE', `${what.replace(/[.]$/, '')}. You can use the plain template instead.`, {
    line,
    column,
    reason: message,
  });
}
