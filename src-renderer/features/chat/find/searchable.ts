/** A text to find something in: in lower case, with plain spaces. Offsets stay. */
export function searchable(text: string): string {
  // The only letter that has another length in lower case, and one whose lower case depends on the letters around it.
  const lower = text.replaceAll('İ', 'i').toLowerCase().replaceAll('ς', 'σ');
  return lower.replace(/[^\S\n]/gu, ' ');
}

/** Offsets of a text in a `searchable` one, UTF-16 units; they do not overlap. Lines do not continue each other. */
export function occurrences(text: string, query: string): number[] {
  const wanted = searchable(query);
  const found: number[] = [];
  if (wanted.trim() === '') return found;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) found.push(at);
  return found;
}
