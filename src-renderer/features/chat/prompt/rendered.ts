import type { ChatMessage, PromptSegment } from '../../../../src-main/engine/api/types.ts';

/** A stretch of a rendered chat: what somebody said, or what the template put around it. */
export interface RenderedPart {
  role: ChatMessage['role'] | 'template';
  text: string;
}

/**
 * Finds the messages again in the text that a template made of them, in their order. What was left out, or changed by
 * the template, is not found; it stays part of the template's own text.
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
