import { nowAfter, now } from './identity.ts';

/** A turn as a node of the tree. */
interface Node {
  readonly id: string;
  /** Null for a first turn. */
  readonly parent: string | null;
  readonly createdAt: string;
}

/** The turns of a chat and which of them were deleted. Parents are added before their children. */
export class TurnTree<Turn extends Node> {
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- readers depend on `#changes`
  readonly #turns = new Map<string, Turn>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- readers depend on `#changes`
  readonly #children = new Map<string | null, string[]>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- readers depend on `#changes`
  readonly #removed = new Set<string>();
  /** Changes with every turn that is added, deleted or restored. */
  #changes = $state(0);

  get size(): number {
    void this.#changes;
    return this.#turns.size;
  }

  get(id: string): Turn | undefined {
    return this.#turns.get(id);
  }

  has(id: string): boolean {
    return this.#turns.has(id);
  }

  add(turn: Turn): void {
    if (this.#turns.has(turn.id)) return;
    this.#turns.set(turn.id, turn);
    const versions = this.#children.get(turn.parent) ?? [];
    this.#children.set(turn.parent, versions);
    // Pages that add versions at the same time receive them in different orders, but must show the same order.
    let place = versions.length;
    while (place > 0 && this.#isOlder(turn, versions[place - 1])) place--;
    versions.splice(place, 0, turn.id);
    this.#changes++;
  }

  remove(id: string): void {
    this.#removed.add(id);
    this.#changes++;
  }

  restore(id: string): void {
    this.#removed.delete(id);
    this.#changes++;
  }

  /** Replaces the set of deleted turns. */
  setRemoved(ids: readonly string[]): void {
    this.#removed.clear();
    for (const id of ids) this.#removed.add(id);
    this.#changes++;
  }

  /** A parent that is known. Like the store: a turn whose parent is missing follows the turn before it. */
  known(parent: string | null): string | null {
    return parent === null || this.#turns.has(parent) ? parent : ([...this.#turns.keys()].at(-1) ?? null);
  }

  /** Ids of the turns after a turn, oldest first; null: the first turns. @param deleted with deleted ones */
  followersOf(parent: string | null, deleted = false): readonly string[] {
    void this.#changes;
    return deleted ? (this.#children.get(parent) ?? []) : this.#visible(parent);
  }

  /** Number of turns without deleted ones and those after them. */
  countVisible(): number {
    void this.#changes;
    if (this.#removed.size === 0) return this.#turns.size;
    let count = 0;
    const open = this.#visible(null);
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      count++;
      open.push(...this.#visible(id));
    }
    return count;
  }

  /** Whether a turn, or one before it, was deleted. */
  isHidden(id: string): boolean {
    void this.#changes;
    return this.#removed.size > 0 && this.#pathHas(id, (one) => this.#removed.has(one));
  }

  /** Whether `id` is `ancestor`, or comes after it. */
  isFrom(ancestor: string, id: string): boolean {
    return this.#pathHas(id, (one) => one === ancestor);
  }

  /** From the first turn to `head`. */
  pathTo(head: string | null): Turn[] {
    const path: Turn[] = [];
    for (let id = head; id !== null;) {
      const turn = this.#turns.get(id);
      if (turn === undefined) break;
      path.push(turn);
      id = turn.parent;
    }
    return path.reverse();
  }

  /** The newest turn after `from` that nothing follows. */
  newestLeaf(from: string): string {
    let newest: Turn | null = null;
    const open = [from];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const following = this.#visible(id);
      const turn = this.#turns.get(id);
      const isLeaf = turn !== undefined && following.length === 0;
      if (isLeaf && (newest === null || this.#isOlder(newest, id))) newest = turn;
      open.push(...following);
    }
    return newest?.id ?? from;
  }

  /** `head`, or if it was deleted: the end of the nearest version beside the deleted turn, else the turn before it. */
  headOutside(head: string | null): string | null {
    if (head === null || this.#removed.size === 0) return head;
    const first = this.pathTo(head).find(({ id }) => this.#removed.has(id));
    if (first === undefined) return head;
    const versions = this.#children.get(first.parent) ?? [];
    const place = versions.indexOf(first.id);
    const beside = [...versions.slice(0, place).toReversed(), ...versions.slice(place + 1)];
    const other = beside.find((id) => !this.#removed.has(id));
    return other === undefined ? first.parent : this.newestLeaf(other);
  }

  /** A timestamp for a turn after `parent`: now, but later than that of the other versions. */
  timeAfter(parent: string | null): string {
    const last = this.#turns.get(this.#children.get(parent)?.at(-1) ?? '')?.createdAt;
    return last === undefined ? now() : nowAfter(last);
  }

  #visible(parent: string | null): string[] {
    return (this.#children.get(parent) ?? []).filter((id) => !this.#removed.has(id));
  }

  #isOlder(turn: Turn, id: string): boolean {
    const other = this.#turns.get(id);
    if (other === undefined) return false;
    return turn.createdAt < other.createdAt || (turn.createdAt === other.createdAt && turn.id < other.id);
  }

  #pathHas(id: string, isWanted: (id: string) => boolean): boolean {
    for (let one: string | null = id; one !== null; one = this.#turns.get(one)?.parent ?? null) {
      if (isWanted(one)) return true;
    }
    return false;
  }
}
