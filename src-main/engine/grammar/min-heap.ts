/** A binary heap that returns the entry with the lowest key first. */
export class MinHeap<T> {
  private readonly entries: { key: number; value: T }[] = [];

  push(key: number, value: T): void {
    const { entries } = this;
    let slot = entries.push({ key, value }) - 1;
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (entries[parent].key <= entries[slot].key) return;
      [entries[parent], entries[slot]] = [entries[slot], entries[parent]];
      slot = parent;
    }
  }

  pop(): { key: number; value: T } | null {
    const { entries } = this;
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return last ?? null;
    const first = entries[0];
    entries[0] = last;
    for (let slot = 0; ;) {
      let least = slot;
      for (const child of [2 * slot + 1, 2 * slot + 2]) {
        if (child < entries.length && entries[child].key < entries[least].key) least = child;
      }
      if (least === slot) return first;
      [entries[least], entries[slot]] = [entries[slot], entries[least]];
      slot = least;
    }
  }
}
