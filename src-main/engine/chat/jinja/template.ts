import { withinLimits, type Limits } from './budget.ts';
import type { Body } from './ast.ts';
import { LimitFault, TemplateFault } from './fault.ts';
import { globals } from './globals.ts';
import { Interpreter, type OwnedStretch } from './interpreter.ts';
import { normalizeSource } from './lexer.ts';
import { parseTemplate } from './parse.ts';
import { Scope } from './scope.ts';
import type { Text } from './text.ts';
import type { Value } from './values.ts';

/** A template error with its position; lines and columns count from 1. */
export class TemplateError extends Error {
  constructor(
    message: string,
    readonly line: number,
    readonly column: number,
    /** Whether it exceeded its limits, rather than being wrong or refusing the chat. */
    readonly limit: boolean,
  ) {
    super(message);
  }
}

export interface RenderOptions {
  readonly variables: ReadonlyMap<string, Value>;
  /** For `strftime_now`. */
  readonly now: Date;
  readonly limits: Limits;
}

export interface Rendered {
  readonly text: Text;
  /** Ranges written while a loop was at one message, sorted. */
  readonly owners: readonly OwnedStretch[];
}

/** A chat template in Jinja, with Jinja2's options as set by `transformers`. */
export class Template {
  private readonly body: Body;

  /** @throws TemplateError for a syntax error */
  constructor(private readonly source: string) {
    this.body = this.located(
      () => parseTemplate(source),
      () => 0,
    );
  }

  /**
   * Renders within the limits, whatever the template does.
   * @throws TemplateError when it fails, refuses (`raise_exception`) or exceeds the limits
   */
  render({ variables, now, limits }: RenderOptions): Rendered {
    const interpreter = new Interpreter();
    const scope = new Scope(null);
    for (const [name, value] of globals(now)) scope.set(name, value);
    for (const [name, value] of variables) scope.set(name, value);
    return this.located(
      () => withinLimits(limits, () => interpreter.run(this.body, scope)),
      () => interpreter.at,
    );
  }

  private located<T>(work: () => T, at: () => number): T {
    try {
      return work();
    } catch (thrown) {
      const fault = asFault(thrown);
      const before = normalizeSource(this.source).slice(0, fault.at ?? at());
      const line = before.split('\n').length;
      const column = Array.from(before.slice(before.lastIndexOf('\n') + 1)).length + 1;
      throw new TemplateError(fault.message, line, column, fault instanceof LimitFault);
    }
  }
}

/** JavaScript's stack and maximum string length are limits too. */
function asFault(thrown: unknown): TemplateFault {
  if (thrown instanceof TemplateFault) return thrown;
  if (thrown instanceof RangeError) return new LimitFault('it is nested too deeply or its output is too long');
  throw thrown;
}
