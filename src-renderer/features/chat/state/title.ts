const MAX_TITLE = 48;

/** A chat's title: the first words of its first turn, cut between words if possible. */
export function titleFrom(text: string): string {
  const words = text.trim().split(/\s+/u).join(' ');
  if (words === '') return 'New chat';
  const characters = [...words];
  if (characters.length <= MAX_TITLE) return words;
  const cut = characters.slice(0, MAX_TITLE).join('');
  const lastSpace = cut.lastIndexOf(' ');
  return `${(lastSpace > MAX_TITLE / 2 ? cut.slice(0, lastSpace) : cut).replace(/[\s,;:]+$/u, '')}…`;
}
