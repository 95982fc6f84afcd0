import type { ChatMessage, PromptSegment, TokenPiece } from '../../../../src-main/engine/api/types.ts';

/** A part of a rendered chat: a message, or text that the template added. */
export interface RenderedPart {
  role: ChatMessage['role'] | 'template';
  text: string;
}

/**
 * Locates the messages in the rendered text, in order. A message that the template left out or changed is not found
 * and counts as the template's text.
 */
export function renderedParts(
  text: string,
  messages: readonly ChatMessage[],
  segments: readonly PromptSegment[],
): RenderedPart[] {
  const parts: RenderedPart[] = [];
  let at = 0;
  for (const { message: index, dropped } of segments) {
    const message = messages[index];
    const said = message?.text.trim() ?? '';
    const start = dropped || said === '' ? -1 : text.indexOf(said, at);
    if (start < 0 || message === undefined) continue;
    if (start > at) parts.push({ role: 'template', text: text.slice(at, start) });
    parts.push({ role: message.role, text: said });
    at = start + said.length;
  }
  if (at < text.length) parts.push({ role: 'template', text: text.slice(at) });
  return parts;
}

/** Special tokens before the text that are not in it, as text: usually the start token. */
export function startOf(tokens: readonly Pick<TokenPiece, 'piece' | 'special' | 'range'>[]): string {
  const end = tokens.findIndex(({ special, range }) => !special || range !== null);
  return (end < 0 ? tokens : tokens.slice(0, end)).map(({ piece }) => piece).join('');
}

/** Roles of the parts that can be seen. */
export function visibleRoles(parts: readonly RenderedPart[]): RenderedPart['role'][] {
  return [...new Set(parts.filter(({ text }) => text.trim() !== '').map(({ role }) => role))];
}
