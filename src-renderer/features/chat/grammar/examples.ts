import type { GrammarSource } from '../../../../src-main/engine/api/types.ts';

export interface Example {
  name: string;
  source: string;
}

const json = (schema: object) => `${JSON.stringify(schema, null, 2)}\n`;

/** Example formats. The first of a kind is the initial value when that kind is chosen. */
export const GRAMMAR_EXAMPLES: Readonly<Record<GrammarSource['kind'], readonly [Example, ...Example[]]>> = {
  json_schema: [
    {
      name: 'An object',
      source: json({
        type: 'object',
        properties: { name: { type: 'string', maxLength: 40 }, age: { type: 'integer', minimum: 0, maximum: 120 } },
        required: ['name', 'age'],
        additionalProperties: false,
      }),
    },
    {
      name: 'A list',
      source: json({ type: 'array', items: { type: 'string', maxLength: 30 }, minItems: 1, maxItems: 5 }),
    },
    { name: 'A choice', source: json({ enum: ['positive', 'neutral', 'negative'] }) },
  ],
  gbnf: [
    { name: 'Yes or no', source: 'root ::= ("yes" | "no") "."\n' },
    { name: 'A numbered list', source: 'root ::= item{1,5}\nitem ::= [1-9] ". " [^\\n]{1,60} "\\n"\n' },
    {
      name: 'A sum',
      source: 'root ::= term (" + " term){0,4} " = " number\nterm ::= number\nnumber ::= [0-9] | [1-9] [0-9]{1,3}\n',
    },
  ],
};
