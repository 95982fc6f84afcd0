/** Lines that only mark something: rules, underlines of headings, the line below a table's head. */
const MARK_LINE =
  /^\s{0,3}(?:([-*_])(?:[ \t]*\1){2,}|-{2,}|={2,}|\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?)[ \t]*$/;
const FENCE = /^\s{0,3}(`{3,}|~{3,})/;

/**
 * Markdown without its marks, for programs that show them as they are. List marks and the text of code stay; links become
 * `text (address)`.
 */
export function plainText(markdown: string): string {
  const lines: string[] = [];
  let fence: string | null = null;
  for (const line of markdown.split('\n')) {
    const mark = FENCE.exec(line)?.[1] ?? null;
    if (fence !== null) {
      const ends = mark !== null && mark[0] === fence[0] && mark.length >= fence.length && line.trim() === mark;
      if (ends) fence = null;
      else lines.push(line);
    } else if (mark !== null) fence = mark;
    else if (!MARK_LINE.test(line)) lines.push(plainLine(line));
  }
  return lines.join('\n').trim();
}

function plainLine(line: string): string {
  const aside: string[] = [];
  // Code and escaped characters are set aside, so that their stars stay.
  const marked = line.replace(
    /\\([!-/:-@[-`{-~])|(?<!`)(`+)(?!`)(.{1,1000}?)(?<!`)\2(?!`)/g,
    (_, escaped?: string, __?: string, code?: string) => {
      aside.push(escaped ?? (code ?? '').replace(/^ (.+) $/, '$1'));
      return `\x00${aside.length - 1}\x00`;
    },
  );
  // Lengths are limited, so that the time does not grow with their square.
  const plain = withoutHeading(marked)
    .replace(/^(\s{0,3}>\s?)+/, '')
    .replace(/!\[([^\]]{0,1000})\]\(([^)\s]{0,2000})[^)]{0,200}\)/g, '$1')
    .replace(/\[([^\]]{1,1000})\]\(([^)\s]{0,2000})[^)]{0,200}\)/g, (_, text: string, address: string) =>
      text === address || address === '' ? text : `${text} (${address})`,
    )
    .replace(/(\*\*\*|\*\*|\*|~~)(?=\S)(.{1,1000}?)(?<=\S)\1/g, '$2')
    .replace(/(?<![\p{L}\p{N}_])(__|_)(?=\S)(.{1,1000}?)(?<=\S)\1(?![\p{L}\p{N}_])/gu, '$2')
    .replace(/^\s*\|(.*)\|\s*$/, (_, cells: string) =>
      cells
        .split('|')
        .map((cell) => cell.trim())
        .join('\t'),
    );
  // eslint-disable-next-line no-control-regex -- set aside above
  return plain.replace(/\x00(\d+)\x00/g, (_, at: string) => aside[Number(at)] ?? '');
}

function withoutHeading(line: string): string {
  const mark = /^ {0,3}#{1,6}[ \t]+/.exec(line);
  if (mark === null) return line;
  const title = line.slice(mark[0].length).trimEnd();
  let end = title.length;
  while (title[end - 1] === '#') end--;
  return end > 0 && title[end - 1] !== ' ' ? title : title.slice(0, end).trimEnd();
}
