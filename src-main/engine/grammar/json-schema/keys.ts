import { CodePointSet } from '../code-point-set.ts';
import { characters, choice, EMPTY, repeat, sequence, text, type Expression } from '../expression.ts';
import { PLAIN } from './json-text.ts';

interface Branch {
  readonly children: Map<string, Branch>;
  /** Whether one of the names ends here. */
  isName: boolean;
}

/**
 * A JSON string other than `names`, without escapes if there are names, so that an escaped spelling cannot be one of
 * them.
 * @param character one character of a JSON string
 */
export function keysExcept(names: readonly string[], character: Expression): Expression {
  const anything = repeat(character, 0, null, 0);
  if (names.length === 0) return sequence(text('"'), anything, text('"'));
  const root: Branch = { children: new Map(), isName: false };
  for (const name of names) {
    let branch = root;
    for (const letter of name) {
      const child: Branch = branch.children.get(letter) ?? { children: new Map(), isName: false };
      branch.children.set(letter, child);
      branch = child;
    }
    branch.isName = true;
  }
  return sequence(text('"'), behind(root), text('"'));
}

/** What may follow a prefix that some names share. */
function behind({ children, isName }: Branch): Expression {
  const options: Expression[] = isName ? [] : [EMPTY];
  for (const [letter, child] of children) {
    // Names with characters that need an escape cannot be written anyway.
    if (PLAIN.has(letter.codePointAt(0)!)) options.push(sequence(text(letter), behind(child)));
  }
  const others = PLAIN.minus(CodePointSet.from([...children.keys()].join('')));
  options.push(sequence(characters(others), repeat(characters(PLAIN), 0, null, 0)));
  return choice(...options);
}
