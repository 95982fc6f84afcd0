import type { Reply } from '../../chat/state/reply.svelte.ts';
import { MarkdownText } from './markdown-text.svelte.ts';
import { markdownParser } from './parser-client.ts';

/** By reply, and by the offset of the section. */
const texts = new WeakMap<Reply, Map<number, MarkdownText>>();

/** The Markdown of a section of a reply. It is kept as long as the reply, so that scrolling back costs nothing. */
export function markdownOf(reply: Reply, from: number): MarkdownText {
  let own = texts.get(reply);
  if (own === undefined) texts.set(reply, (own = new Map()));
  let text = own.get(from);
  if (text === undefined) own.set(from, (text = new MarkdownText(reply, from, markdownParser)));
  return text;
}
