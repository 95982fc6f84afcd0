const MAX_LENGTH = 100;

/**
 * An id that is easy to type, derived from the model's name.
 * @param taken ids of other models
 */
export function modelIdFor(name: string, taken: readonly string[]): string {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replaceAll(/^[^A-Za-z0-9]+|-+$/g, '')
    .slice(0, MAX_LENGTH)
    .toLowerCase();
  const base = plain || 'model';
  for (let copy = 1; ; copy++) {
    const id = copy === 1 ? base : `${base}-${copy}`;
    if (!taken.includes(id)) return id;
  }
}
