/** A trie over UTF-16 units, in typed arrays, which finds the texts that begin at a position. */
export class CharTrie {
  static readonly ROOT = 0;
  private nodes = 1;
  private capacity = 1024;
  /** Open addressing over (parent, unit): child, 0 for an empty slot, as the root is never a child. */
  private children = new Int32Array(this.capacity);
  private parents = new Int32Array(this.capacity);
  private units = new Uint16Array(this.capacity);
  /** `[nodes]`: the value of the text that ends at a node, -1 for none. */
  private values = new Int32Array(this.capacity).fill(-1);

  /** @param value not negative; replaces that of an existing text */
  add(text: string, value: number): void {
    let node = CharTrie.ROOT;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const child = this.child(node, unit);
      node = child === -1 ? this.addChild(node, unit) : child;
    }
    this.values[node] = value;
  }

  /** The node after one more unit, or -1. */
  child(node: number, unit: number): number {
    const child = this.children[this.slot(node, unit)];
    return child === 0 ? -1 : child;
  }

  /** The value of the text that ends at a node, or -1. */
  value(node: number): number {
    return this.values[node];
  }

  /** The node at the end of a text, or -1. */
  walk(text: string): number {
    let node = CharTrie.ROOT;
    for (let i = 0; node !== -1 && i < text.length; i++) node = this.child(node, text.charCodeAt(i));
    return node;
  }

  /**
   * The longest text that begins at `at`, searched from `node` on: its end and value; null when there is none.
   * @param limit where it ends at the latest
   */
  longest(text: string, at: number, node = CharTrie.ROOT, limit = text.length): { end: number; value: number } | null {
    let found: { end: number; value: number } | null = null;
    for (let i = at; i < limit; i++) {
      node = this.child(node, text.charCodeAt(i));
      if (node === -1) break;
      if (this.values[node] !== -1) found = { end: i + 1, value: this.values[node] };
    }
    return found;
  }

  private addChild(parent: number, unit: number): number {
    if (2 * (this.nodes + 1) > this.capacity) this.grow();
    const slot = this.slot(parent, unit);
    this.parents[slot] = parent;
    this.units[slot] = unit;
    this.children[slot] = this.nodes;
    return this.nodes++;
  }

  private slot(parent: number, unit: number): number {
    const mask = this.capacity - 1;
    let hash = Math.imul(parent, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    let slot = (hash ^ (hash >>> 13)) & mask;
    while (this.children[slot] !== 0 && (this.parents[slot] !== parent || this.units[slot] !== unit)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const { children, parents, units, values } = this;
    this.capacity *= 4;
    this.children = new Int32Array(this.capacity);
    this.parents = new Int32Array(this.capacity);
    this.units = new Uint16Array(this.capacity);
    this.values = new Int32Array(this.capacity).fill(-1);
    this.values.set(values);
    for (let old = 0; old < children.length; old++) {
      if (children[old] === 0) continue;
      const slot = this.slot(parents[old], units[old]);
      this.children[slot] = children[old];
      this.parents[slot] = parents[old];
      this.units[slot] = units[old];
    }
  }
}
