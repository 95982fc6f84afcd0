import { CodePointSet } from './code-point-set.ts';
import type { Expression, GrammarRules, TokenName } from './expression.ts';
import { CHARACTERS, END, NOT_TOKEN, RULE, TOKEN, type CompiledRule, type Grammar } from './grammar.ts';
import { grammarError } from './source-position.ts';

/** Maximum count in `{m,n}`. */
export const MAX_REPETITIONS = 10_000;
/** Positions of a compiled grammar. */
const MAX_POSITIONS = 400_000;

type Element = readonly [kind: number, value: number];

/**
 * Compiles a grammar to positions. Groups and repetitions become unnamed rules: `x{2,4}` is `x x (x (x)?)?`, with `x`
 * compiled once, so that nested repetitions add up instead of multiplying.
 * @throws EngineError GRAMMAR: no root, an undefined name, more repetitions or positions than the limits
 */
export function compileRules(written: GrammarRules): Grammar {
  return new Compiler(written).compile();
}

class Compiler {
  private readonly alternatives: Element[][][] = [];
  private readonly rules: Omit<CompiledRule, 'alternatives'>[] = [];
  private readonly ruleByName = new Map<string, number>();
  private readonly sets: CodePointSet[] = [];
  private readonly setByKey = new Map<string, number>();
  private readonly tokens: TokenName[] = [];
  private positions = 0;
  /** The rule being compiled. */
  private current = { name: 'root', at: 0 };

  constructor(private readonly written: GrammarRules) {}

  compile(): Grammar {
    const { rules, source } = this.written;
    const names = ['root', ...[...rules.keys()].filter((name) => name !== 'root')];
    if (!rules.has('root')) {
      throw grammarError('The grammar has no rule named root, where it starts. Add: root ::= …', source, 0);
    }
    for (const name of names) this.ruleByName.set(name, this.addRule(name, rules.get(name)!.at, false));
    for (const name of names) {
      const { expression, at } = rules.get(name)!;
      this.current = { name, at };
      this.define(this.ruleByName.get(name)!, expression);
    }
    return this.layOut();
  }

  private addRule(name: string, at: number, repetition: boolean): number {
    this.alternatives.push([]);
    return this.rules.push({ name, at, repetition }) - 1;
  }

  private define(rule: number, expression: Expression): void {
    const options = expression.kind === 'choice' ? expression.options : [expression];
    this.alternatives[rule] = options.map((option) => {
      const elements: Element[] = [];
      this.append(option, elements);
      return elements;
    });
    this.count(options.length);
  }

  private append(expression: Expression, elements: Element[]): void {
    switch (expression.kind) {
      case 'characters':
        return this.push(elements, CHARACTERS, this.set(expression.set));
      case 'text':
        for (const character of expression.text) {
          this.push(elements, CHARACTERS, this.set(CodePointSet.from(character)));
        }
        return;
      case 'sequence':
        for (const item of expression.items) this.append(item, elements);
        return;
      case 'choice':
        return this.push(elements, RULE, this.partRule(expression));
      case 'repeat':
        return this.appendRepeat(expression, elements);
      case 'rule': {
        const rule = this.ruleByName.get(expression.name);
        if (rule === undefined) throw this.error(`There is no rule “${expression.name}”.`, expression.at);
        return this.push(elements, RULE, rule);
      }
      case 'token':
        return this.push(elements, expression.negated ? NOT_TOKEN : TOKEN, this.tokens.push(expression.token) - 1);
    }
  }

  private appendRepeat({ item, min, max, at }: Expression & { kind: 'repeat' }, elements: Element[]): void {
    if (min > MAX_REPETITIONS || (max ?? 0) > MAX_REPETITIONS) {
      throw this.error(`Too many repetitions: the limit is ${MAX_REPETITIONS}.`, at);
    }
    const body: Element[] = [];
    this.append(item, body);
    if (body.length === 0) return;
    let once = body[0];
    if (body.length > 1) {
      once = [RULE, this.addRule(this.current.name, at, false)];
      this.alternatives[once[1]] = [body];
      this.count(1);
    }
    for (let i = 0; i < min; i++) this.push(elements, ...once);
    let rest: Element | null = null;
    if (max === null) {
      const rule = this.addRule(this.current.name, at, true);
      rest = [RULE, rule];
      this.alternatives[rule] = [[once, rest], []];
      this.count(4);
    }
    for (let i = min; i < (max ?? 0); i++) {
      const rule = this.addRule(this.current.name, at, true);
      this.alternatives[rule] = [rest === null ? [once] : [once, rest], []];
      rest = [RULE, rule];
      this.count(4);
    }
    if (rest !== null) this.push(elements, ...rest);
  }

  private partRule(expression: Expression): number {
    const rule = this.addRule(this.current.name, this.current.at, false);
    this.define(rule, expression);
    return rule;
  }

  private push(elements: Element[], kind: number, value: number): void {
    elements.push([kind, value]);
    this.count(1);
  }

  private count(positions: number): void {
    this.positions += positions;
    if (this.positions > MAX_POSITIONS) {
      throw this.error(`The grammar is too large: more than ${MAX_POSITIONS} positions.`, this.current.at);
    }
  }

  private set(set: CodePointSet): number {
    const key = [...set.ranges()].join();
    const known = this.setByKey.get(key);
    if (known !== undefined) return known;
    const index = this.sets.push(set) - 1;
    this.setByKey.set(key, index);
    return index;
  }

  private layOut(): Grammar {
    const kinds: number[] = [];
    const values: number[] = [];
    const rules = this.rules.map((rule, index) => {
      const alternatives = this.alternatives[index].map((elements) => {
        const start = kinds.length;
        for (const [kind, value] of elements) {
          kinds.push(kind);
          values.push(value);
        }
        kinds.push(END);
        values.push(index);
        return start;
      });
      return { ...rule, alternatives };
    });
    const { sets, tokens } = this;
    return {
      kinds: Uint8Array.from(kinds),
      values: Int32Array.from(values),
      sets,
      tokens,
      rules,
      source: this.written.source,
      isSchema: this.written.isSchema,
    };
  }

  private error(message: string, at: number): Error {
    return grammarError(message, this.written.source, at);
  }
}
