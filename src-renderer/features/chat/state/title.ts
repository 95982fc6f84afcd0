import { firstCharacters } from '../../../../src-main/protocol/cut-text.ts';

const MAX_TITLE = 48;

/** A chat's title: the first words of its first turn, cut between words if possible. */
export function titleFrom(text: string): string {
  const words = text.trim().split(/\s+/u).join(' ');
  if (words === '') return 'New chat';
  const cut = firstCharacters(words, MAX_TITLE);
  if (cut === words) return words;
  const lastSpace = cut.lastIndexOf(' ');
  return `${(lastSpace > MAX_TITLE / 2 ? cut.slice(0, lastSpace) : cut).replace(/[\s,;:]+$/u, '')}…`;
}
