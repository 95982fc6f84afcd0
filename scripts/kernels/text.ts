/** What templates of kernels have in common. They are functions that return AssemblyScript. */

/** The text of each item, line by line. */
export function each<T>(items: readonly T[], text: (item: T, index: number) => string): string {
  return items.map(text).join('\n');
}

/** The text if there is a reason for it. */
export const when = (condition: unknown, text: string): string => (condition ? text : '');

/** 0 up to `count`. */
export const upTo = (count: number): number[] => [...Array(count).keys()];

/** An address and the bytes after it. */
export const plus = (address: string, bytes: number): string => (bytes ? `${address} + ${bytes}` : address);

/** A call that passes the parameters `name: type, name: type` on, except for those that are known. */
export function call(name: string, parameters: string, known: Readonly<Record<string, string>> = {}): string {
  const args = parameters.split(', ').map((parameter) => parameter.split(': ')[0]!);
  return `${name}(${args.map((arg) => known[arg] ?? arg).join(', ')});`;
}

/** A function for each row of a table: V8 gives each function its own registers. */
export function functions<Row extends { readonly name: string }>(
  name: string,
  parameters: string,
  rows: readonly Row[],
  body: (row: Row) => string,
): string {
  return each(rows, (row) => `function ${name}${row.name}(${parameters}): void {${body(row)}}`);
}

/** Text without empty lines, with the indentation of its brackets: for people. */
export function indented(text: string): string {
  let depth = 0;
  const lines = text.split('\n').map((line) => line.trim());
  const indentedLines = lines.filter(Boolean).map((line) => {
    const closes = /^[)}\]]/.test(line);
    const indent = '  '.repeat(Math.max(depth - (closes ? 1 : 0), 0));
    depth += line.replaceAll(/[^({[]/g, '').length - line.replaceAll(/[^)}\]]/g, '').length;
    return indent + line;
  });
  return `${indentedLines.join('\n')}\n`;
}
