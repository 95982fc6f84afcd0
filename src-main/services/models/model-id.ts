const MAX_LENGTH = 100;

/**
 * An id that a person can type, from what the model is called.
 * @param taken ids that other models have
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
