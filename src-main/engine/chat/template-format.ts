import { EngineError } from '../api/errors.ts';
import type { ChatMessage } from '../api/types.ts';
import type { ChatFormat, ChatText, NumberedMessage, Span } from './chat-text.ts';
import { messageValue, type ContentKind } from './jinja/from-json.ts';
import { Template, TemplateError, type Rendered } from './jinja/template.ts';
import { joinTexts, Text } from './jinja/text.ts';
import { List, type Value } from './jinja/values.ts';
import { templateLimits } from './jinja/budget.ts';

export interface TemplateFormatOptions {
  /** The template, in Jinja. */
  readonly source: string;
  /** Its name for errors: `The chat template of SmolLM2`. */
  readonly name: string;
  /** Pieces of `bos_token` and `eos_token`, empty when there is none. */
  readonly tokens: { readonly bos: string; readonly eos: string };
  /** Undefined leaves it to the template. */
  readonly enableThinking?: boolean | undefined;
  /** For `strftime_now`. */
  readonly now: Date;
}

/** A message for the template; its content may come from several messages. */
interface TemplateMessage {
  readonly role: ChatMessage['role'];
  readonly content: Text;
  readonly index: number;
}

/**
 * The format defined by a chat template. If the last message is the assistant's, the reply continues it: it replaces the
 * template's header of a new reply, unchanged.
 *
 * Nothing that a template refuses or ignores is lost: an unsupported system message goes before a user's message,
 * consecutive messages of one role are joined, and `notices` reports it. A template that reads lists of parts gets them.
 *
 * @throws EngineError CHAT_TEMPLATE with line and column, now or from the format
 */
export function templateFormat(options: TemplateFormatOptions): ChatFormat {
  const template = located(options, () => new Template(options.source));
  return (messages): ChatText => {
    const last = messages.at(-1);
    const continued = last?.role === 'assistant' ? last : null;
    const history = continued === null ? messages : messages.slice(0, -1);
    const chat = renderMessages(template, history, options);
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
  /** Changes made to the messages, for people. */
  readonly fixes: readonly string[];
}

const FOLDED = 'The chat template has no system role. The system message was put before the next user message.';
const JOINED = 'The chat template requires alternating roles. Consecutive messages of the same role were joined.';

/** The messages unchanged, then with the applicable fixes, the smallest change first. */
function attemptsFor(numbered: readonly NumberedMessage[]): Attempt[] {
  const messages = numbered.map(({ role, text, index }) => ({ role, content: Text.from(text, index), index }));
  const folded = foldSystem(messages);
  const attempts: Attempt[] = [{ messages, fixes: [] }];
  if (folded !== messages) attempts.push({ messages: folded, fixes: [FOLDED] });
  for (const { messages: apart, fixes } of [...attempts]) {
    const joined = joinNeighbours(apart);
    if (joined !== apart) attempts.push({ messages: joined, fixes: [...fixes, JOINED] });
  }
  return attempts;
}

interface Outcome {
  readonly chat: ChatText;
  /** Messages that the template leaves out. */
  readonly lost: readonly TemplateMessage[];
}

/** Renders the messages in the form that the template reads: some want every content as a list of parts. */
function renderMessages(
  template: Template,
  messages: readonly NumberedMessage[],
  options: TemplateFormatOptions,
): ChatText {
  const asTexts = renderWithFixes(template, messages, options, 'text');
  const isRefused = asTexts instanceof TemplateError;
  // Of the assistant's messages, many templates leave out the reasoning, which may be all there is.
  const tryParts = isRefused ? !asTexts.limit : asTexts.lost.some(({ role }) => role !== 'assistant');
  if (tryParts) {
    const asParts = renderWithFixes(template, messages, options, 'parts');
    const lost = isRefused ? messages.filter(({ text }) => text.trim() !== '') : asTexts.lost;
    if (!(asParts instanceof TemplateError) && asParts.lost.length < lost.length) return asParts.chat;
  }
  if (isRefused) throw asEngineError(asTexts, options);
  return asTexts.chat;
}

/** Renders the messages with as few fixes as the template requires. @returns its first error if it refuses all of them */
function renderWithFixes(
  template: Template,
  messages: readonly NumberedMessage[],
  options: TemplateFormatOptions,
  kind: ContentKind,
): Outcome | TemplateError {
  let refusal: TemplateError | null = null;
  let incomplete: Outcome | null = null;
  for (const attempt of attemptsFor(messages)) {
    try {
      const outcome = outcomeOf(render(template, attempt.messages, options, kind), attempt, options.source);
      if (!outcome.lost.some(({ role }) => role === 'system')) return outcome;
      // A template that ignores the system message may still accept it in a user's message.
      incomplete ??= outcome;
    } catch (thrown) {
      if (!(thrown instanceof TemplateError)) throw thrown;
      refusal ??= thrown;
      if (thrown.limit) break;
    }
  }
  const result = incomplete ?? refusal;
  if (result === null) throw new EngineError('INTERNAL', 'No template was rendered.');
  return result;
}

function render(
  template: Template,
  messages: readonly TemplateMessage[],
  { tokens, enableThinking, now }: TemplateFormatOptions,
  kind: ContentKind,
): Rendered {
  const variables = new Map<string, Value>([
    ['messages', new List(messages.map(({ role, content, index }) => messageValue(role, content, index, kind)))],
    ['add_generation_prompt', true],
    ['bos_token', new Text(tokens.bos)],
    ['eos_token', new Text(tokens.eos)],
    ['tools', null],
    ['documents', null],
  ]);
  if (enableThinking !== undefined) {
    // Granite's templates and DeepSeek's have the shorter name.
    for (const name of ['enable_thinking', 'thinking']) variables.set(name, enableThinking);
  }
  const characters = messages.reduce((sum, { content }) => sum + content.value.length, 0);
  return template.render({ variables, now, limits: templateLimits(characters, messages.length) });
}

/** Moves system messages into the following user message. Returns the same list if nothing changes. */
function foldSystem(messages: readonly TemplateMessage[]): readonly TemplateMessage[] {
  const lastUser = messages.findLastIndex(({ role }) => role === 'user');
  if (!messages.slice(0, lastUser + 1).some(({ role }) => role === 'system')) return messages;
  const folded: TemplateMessage[] = [];
  let waiting: Text[] = [];
  messages.forEach((message, i) => {
    // After the user's last message there is none to move it to.
    if (message.role === 'system' && i < lastUser) waiting.push(message.content.strip(null));
    else if (message.role === 'user' && waiting.length > 0) {
      folded.push({ ...message, content: joinTexts([...waiting, message.content], GAP) });
      waiting = [];
    } else folded.push(message);
  });
  return folded;
}

/** Joins consecutive messages of one role. Returns the same list if there are none. */
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

function outcomeOf({ text, owners }: Rendered, { messages, fixes }: Attempt, source: string): Outcome {
  const roles = new Map(messages.map(({ index, role }) => [index, role]));
  const shown = new Set(text.marks.map(({ message }) => message));
  const notices = [...fixes];
  const elsewhere = text.marks
    .filter(({ message }) => roles.get(message) === 'system')
    .some((mark) => owners.some((owner) => roles.get(owner.message) === 'user' && overlap(owner, mark)));
  if (elsewhere) notices.push('The chat template puts the system message into a user message.');
  const lost = messages.filter(({ content, index }) => content.value.trim() !== '' && !shown.has(index));
  for (const { role, index } of lost) {
    notices.push(`The chat template leaves out message ${index + 1} (role: ${role}).`);
  }
  const chat = {
    text: text.value,
    // Text that was moved into another message counts as a user's.
    written: text.marks.map(({ start, end, message }) => ({ start, end, role: roles.get(message) ?? 'user' })),
    owners: ownersOf(owners, text.marks),
    turnStart: text.marks.at(-1)?.end ?? 0,
    template: source,
    notices,
  };
  return { chat, lost };
}

function overlap(a: Span, b: Span): boolean {
  return a.start < b.end && a.end > b.start;
}

type Owned = Span & { readonly message: number };

/** A message's text belongs to it, and other text to the message that the template was processing. */
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
