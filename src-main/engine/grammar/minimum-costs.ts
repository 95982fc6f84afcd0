import { CHARACTERS, END, RULE, type Grammar } from './grammar.ts';
import { MinHeap } from './min-heap.ts';

/** Minimum costs of completing a grammar. Infinity: impossible. */
export interface MinimumCosts {
  /** `[rules]`: cost of the cheapest text of a rule; 0 means that the rule may be empty. */
  readonly ofRule: Float64Array;
  /** `[positions]`: cost from this position to the end of its alternative. */
  readonly fromPosition: Float64Array;
}

/**
 * Finds the cheapest text of every rule: Knuth's generalisation (1977) of Dijkstra's algorithm. Costs are found in
 * ascending order, so a rule's first one is its lowest.
 * @param costOfSet cost of one character of `grammar.sets[index]`, above 0
 */
export function minimumCosts(grammar: Grammar, costOfSet: (set: number) => number): MinimumCosts {
  const { kinds, values, rules } = grammar;
  const ofRule = new Float64Array(rules.length).fill(Number.POSITIVE_INFINITY);
  const setCosts = grammar.sets.map((_, set) => costOfSet(set));
  const costAt = (position: number): number => {
    if (kinds[position] === CHARACTERS) return setCosts[values[position]];
    return kinds[position] === RULE ? ofRule[values[position]] : 1;
  };

  // Per alternative: its rule, its number of unresolved rules, and the cost of the rest.
  const alternatives: { rule: number; open: number; cost: number }[] = [];
  const usedIn: number[][] = rules.map(() => []);
  const queue = new MinHeap<number>();
  rules.forEach(({ alternatives: starts }, rule) => {
    for (const start of starts) {
      const index = alternatives.length;
      const alternative = { rule, open: 0, cost: 0 };
      for (let position = start; kinds[position] !== END; position++) {
        if (kinds[position] === RULE) {
          alternative.open++;
          usedIn[values[position]].push(index);
        } else {
          alternative.cost += costAt(position);
        }
      }
      alternatives.push(alternative);
      if (alternative.open === 0) queue.push(alternative.cost, rule);
    }
  });
  for (let next = queue.pop(); next !== null; next = queue.pop()) {
    const { key: cost, value: rule } = next;
    if (cost >= ofRule[rule]) continue;
    ofRule[rule] = cost;
    for (const index of usedIn[rule]) {
      const alternative = alternatives[index];
      alternative.cost += cost;
      if (--alternative.open === 0) queue.push(alternative.cost, alternative.rule);
    }
  }

  const fromPosition = new Float64Array(kinds.length);
  for (let position = kinds.length - 1; position >= 0; position--) {
    if (kinds[position] !== END) fromPosition[position] = costAt(position) + fromPosition[position + 1];
  }
  return { ofRule, fromPosition };
}
