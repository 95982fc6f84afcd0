import { CharSet } from './char-set.ts';
import { RegexError, type RegexNode } from './syntax.ts';

const NOTHING = CharSet.of([]);

/** Maximum adjacent loops over the same characters; tokenizers use two (`\s*[\r\n]+`). */
const MAX_LOOPS_IN_A_ROW = 2;

/** Maximum positions in a loop's body, with counted repeats expanded. More would make the check itself slow. */
const MAX_POSITIONS = 500;

/**
 * Refuses loops that can match one text in several ways, such as `(a+)+` or `(a|a)*`: a backtracking matcher tries all of
 * them, which takes exponential time on a crafted text. The check runs when the tokenizer is loaded; what it misses, such
 * as loops in optional groups, is stopped by the matcher's step budget.
 *
 * The test is strong one-unambiguity (Brüggemann-Klein and Wood, 1998; Koch and Scherzinger, 2007): in the Glushkov
 * automaton of the loop, the next character alone determines the transition. It refuses a few harmless loops too;
 * tokenizers do not use those.
 *
 * @throws RegexError
 */
export function refuseAmbiguousLoops(node: RegexNode): void {
  switch (node.type) {
    case 'set':
      return;
    case 'sequence':
      refuseLoopsInARow(node.items);
      return node.items.forEach(refuseAmbiguousLoops);
    case 'alternation':
      return node.options.forEach(refuseAmbiguousLoops);
    case 'look':
    case 'atomic':
      return refuseAmbiguousLoops(node.item);
    case 'repeat':
      if (node.item.type === 'set') return;
      if (node.max > 1 && !isUnambiguousLoop(node.item)) {
        throw new RegexError('a repeated group that can match one text in several ways is not supported', true);
      }
      return refuseAmbiguousLoops(node.item);
  }
}

/**
 * Refuses `a*a*a*` and `.*x.*y.*`: a run of the same characters can be divided among n loops in polynomially many ways.
 * An item between loops separates them if it is required and matches none of those characters.
 */
function refuseLoopsInARow(items: readonly RegexNode[]): void {
  const parts = items.map(repeated);
  for (const [i, first] of parts.entries()) {
    let shared = first?.max === Infinity ? first.set : null;
    for (let loops = 1, next = i + 1; shared && next < parts.length; next++) {
      const part = parts[next];
      if (!part || (part.min > 0 && !part.set.intersects(shared))) break;
      if (part.max < Infinity || !part.set.intersects(shared)) continue;
      shared = shared.intersection(part.set);
      if (++loops > MAX_LOOPS_IN_A_ROW) {
        throw new RegexError('more than two loops over the same characters in a row are not supported', true);
      }
    }
  }
}

/** Which characters are matched how often; nothing for a look-around, null for anything larger. */
function repeated(node: RegexNode): { set: CharSet; min: number; max: number } | null {
  if (node.type === 'set') return { set: node.set, min: 1, max: 1 };
  if (node.type === 'look') return { set: NOTHING, min: 0, max: 0 };
  if (node.type === 'atomic') return repeated(node.item);
  return node.type === 'repeat' && node.item.type === 'set' ? { ...node, set: node.item.set } : null;
}

/** A position in the pattern that matches one character, and the positions that can follow. */
interface Position {
  set: CharSet;
  /** With duplicates: two transitions to the same position are distinct. */
  follow: Position[];
}

interface Fragment {
  /** Whether it matches the empty text. */
  nullable: boolean;
  first: Position[];
  last: Position[];
}

function isUnambiguousLoop(body: RegexNode): boolean {
  const positions: Position[] = [];
  const { nullable, first, last } = glushkov(body, positions);
  connect(last, first);
  return !nullable && isDeterministic(first) && positions.every((position) => isDeterministic(position.follow));
}

function isDeterministic(choices: readonly Position[]): boolean {
  return choices.every((a, i) => choices.every((b, j) => j <= i || !a.set.intersects(b.set)));
}

function connect(from: readonly Position[], to: readonly Position[]): void {
  for (const position of from) position.follow.push(...to);
}

const EMPTY: Fragment = { nullable: true, first: [], last: [] };

function glushkov(node: RegexNode, positions: Position[]): Fragment {
  switch (node.type) {
    case 'look':
      return EMPTY;
    case 'set': {
      if (positions.length >= MAX_POSITIONS) throw new RegexError('a repeated group this long is not supported', true);
      const position: Position = { set: node.set, follow: [] };
      positions.push(position);
      return { nullable: false, first: [position], last: [position] };
    }
    case 'sequence':
      return node.items.map((item) => glushkov(item, positions)).reduce(concatenate, EMPTY);
    case 'alternation': {
      const options = node.options.map((option) => glushkov(option, positions));
      return {
        nullable: options.some((option) => option.nullable),
        first: options.flatMap((option) => option.first),
        last: options.flatMap((option) => option.last),
      };
    }
    case 'atomic':
      return glushkov(node.item, positions);
    case 'repeat':
      return repeat(node, positions);
  }
}

function concatenate(a: Fragment, b: Fragment): Fragment {
  connect(a.last, b.first);
  return {
    nullable: a.nullable && b.nullable,
    first: a.nullable ? [...a.first, ...b.first] : a.first,
    last: b.nullable ? [...a.last, ...b.last] : b.last,
  };
}

/** Expands `x{2,4}` to `xx(x(x)?)?`, `x{2,}` to `xx+`. */
function repeat(node: RegexNode & { type: 'repeat' }, positions: Position[]): Fragment {
  const copies = node.max === Infinity ? Math.max(node.min, 1) : node.max;
  let whole = EMPTY;
  for (let copy = copies - 1; copy >= 0; copy--) {
    const one = glushkov(node.item, positions);
    if (node.max === Infinity && copy === copies - 1) connect(one.last, one.first);
    const rest = concatenate(one, whole);
    whole = copy >= node.min ? { ...rest, nullable: true } : rest;
  }
  return whole;
}
