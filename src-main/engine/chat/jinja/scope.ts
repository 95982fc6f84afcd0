import { spendSteps } from './budget.ts';
import { Undefined, type Value } from './values.ts';

const STEPS_PER_SCOPE = 1 / 16;

/** Variables of a part of the template, with a parent scope. */
export class Scope {
  private readonly values = new Map<string, Value>();

  constructor(private readonly around: Scope | null) {}

  get(name: string): Value {
    const value = this.find(name);
    return value === undefined ? new Undefined(`'${name}' is undefined`) : value;
  }

  set(name: string, value: Value): void {
    this.values.set(name, value);
  }

  private find(name: string): Value | undefined {
    spendSteps(STEPS_PER_SCOPE);
    const value = this.values.get(name);
    return value === undefined ? this.around?.find(name) : value;
  }
}
