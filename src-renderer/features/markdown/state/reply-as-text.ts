import { plainText } from '../plain-text.ts';
import { shownText } from '../shown-text.ts';
import type { Block, Definition } from '../tree.ts';
import { BLANK_LINE, MAX_PARSED } from './markdown-text.svelte.ts';
import type { MarkdownParser } from './parser-client.ts';

/** A reply's Markdown as plain text, without syntax. What is too long or too costly to parse stays as it is. */
export async function markdownAsText(markdown: string, parser: MarkdownParser): Promise<string> {
  return plainText(await blocksOf(markdown, parser));
}

/** A reply's Markdown as it looks on the page, to find text in it. */
export async function markdownAsShown(markdown: string, parser: MarkdownParser): Promise<string> {
  return shownText(await blocksOf(markdown, parser));
}

async function blocksOf(markdown: string, parser: MarkdownParser): Promise<Block[]> {
  const blocks: Block[] = [];
  const definitions: Definition[] = [];
  const footnotes: string[] = [];
  for (let base = 0; base < markdown.length;) {
    const text = markdown.slice(base, base + MAX_PARSED);
    const parsed = await parser.run('parse', { text, base, definitions, footnotes }).catch(() => null);
    // A line that is nested too deeply ends what is parsed.
    const isRest = parsed !== null && !parsed.tooDeep && parsed.end === markdown.length;
    const end = isRest ? markdown.length : (parsed?.stable ?? base);
    if (parsed === null || end === base) {
      const blank = parsed?.tooDeep === true ? BLANK_LINE.exec(text) : null;
      const shown = blank === null ? text : text.slice(0, blank.index);
      const to = base + shown.length;
      blocks.push({
        type: 'plain',
        reason: null,
        pieces: [{ type: 'text', text: shown, from: base, to, after: base }],
        from: base,
        to,
      });
      base = to + (blank?.[0].length ?? 0);
      continue;
    }
    blocks.push(...parsed.blocks.filter(({ from }) => from < end));
    definitions.push(...parsed.definitions);
    footnotes.push(...parsed.footnotes);
    base = end;
  }
  return blocks;
}
