interface Node {
  id: string;
  parent: string | null;
}

/** What was wrong with a tree from a file. */
export interface TreeRepairs {
  /** Turns whose parent is missing; they start branches of their own. */
  orphans: number;
  /** Cycles that were cut. */
  cycles: number;
  /** Turns with an id that another one had. */
  repeated: number;
}

/**
 * A tree with parents before their children. What is wrong in a file from elsewhere is repaired, so that every turn can
 * be reached. A tree in order stays as it is.
 */
export function orderTurns<T extends Node>(nodes: readonly T[]): { turns: T[] } & TreeRepairs {
  const repairs: TreeRepairs = { orphans: 0, cycles: 0, repeated: 0 };
  const byId = new Map<string, T>();
  for (const node of nodes) {
    if (byId.has(node.id)) repairs.repeated++;
    else byId.set(node.id, node);
  }
  const seen = new Set<string>();
  let inOrder = true;
  for (const [id, { parent }] of byId) {
    inOrder &&= parent === null || seen.has(parent);
    seen.add(id);
  }
  if (inOrder) return { turns: [...byId.values()], ...repairs };

  const children = new Map<string, T[]>();
  const roots: T[] = [];
  for (const node of byId.values()) {
    if (node.parent === null) roots.push(node);
    else if (!byId.has(node.parent)) {
      repairs.orphans++;
      roots.push({ ...node, parent: null });
    } else {
      const known = children.get(node.parent);
      if (known === undefined) children.set(node.parent, [node]);
      else known.push(node);
    }
  }
  const turns: T[] = [];
  const reached = new Set<string>();
  const reach = (root: T) => {
    const open = [root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (reached.has(node.id)) continue;
      reached.add(node.id);
      turns.push(node);
      const following = children.get(node.id) ?? [];
      for (let at = following.length - 1; at >= 0; at--) open.push(following[at]);
    }
  };
  for (const root of roots) reach(root);
  // The rest are in a cycle, or follow one.
  for (const node of byId.values()) {
    if (reached.has(node.id)) continue;
    repairs.cycles++;
    reach({ ...startOfCycle(node, byId), parent: null });
  }
  return { turns, ...repairs };
}

/** The first turn before `node` that comes again: a turn of the cycle itself, not one after it. */
function startOfCycle<T extends Node>(node: T, byId: ReadonlyMap<string, T>): T {
  const passed = new Set<string>();
  let at = node;
  while (!passed.has(at.id)) {
    passed.add(at.id);
    at = byId.get(at.parent ?? '') ?? at;
  }
  return at;
}
