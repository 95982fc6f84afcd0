import type { GrammarSource, SourceProblem } from '../api/types.ts';
import { checkRules, type CheckedGrammar } from './check-rules.ts';
import { compileRules } from './compile-rules.ts';
import type { GrammarRules } from './expression.ts';
import { parseGbnf } from './gbnf-parser.ts';
import { compileSchema } from './json-schema/compile-schema.ts';
import { problemOf } from './source-position.ts';

/** @throws EngineError GRAMMAR with line and column */
export function compileGrammar(grammar: GrammarSource): CheckedGrammar {
  return checkRules(compileRules(readRules(grammar)));
}

/** The problem with a grammar; null when it is valid. */
export function checkGrammar(grammar: GrammarSource): SourceProblem | null {
  try {
    compileGrammar(grammar);
    return null;
  } catch (error) {
    return problemOf(error);
  }
}

function readRules({ kind, source }: GrammarSource): GrammarRules {
  return kind === 'gbnf' ? parseGbnf(source) : compileSchema(source);
}
