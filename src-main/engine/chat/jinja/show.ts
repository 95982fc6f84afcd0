import { deeper, spendCharacters, spendSteps } from './budget.ts';
import { TemplateFault } from './fault.ts';
import { joinTexts, Text } from './text.ts';
import { Dict, Float, isText, List, Namespace, typeName, Undefined, type Value } from './values.ts';

/** A value as rendered by `{{ … }}`. */
export function show(value: Value): Text {
  if (isText(value)) return value;
  if (value instanceof Undefined) return Text.empty;
  return repr(value);
}

/** A value as Python prints it inside a list. */
export function repr(value: Value): Text {
  spendSteps();
  if (isText(value)) return reprText(value);
  if (value instanceof List) {
    const items = joined(value.items.map((item) => () => repr(item)));
    if (!value.isTuple) return bracketed('[', items, ']');
    return bracketed('(', items, value.size === 1 ? ',)' : ')');
  }
  if (value instanceof Dict) {
    const entries = value.entries.map(({ key, value: entry }) => () => {
      return joinTexts([repr(key), new Text(': '), repr(entry)]);
    });
    return bracketed('{', joined(entries), '}');
  }
  return new Text(reprScalar(value));
}

function reprScalar(value: Exclude<Value, Text | List | Dict>): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (value instanceof Float) return showFloat(value.value);
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Namespace) return '<Namespace>';
  return `<${typeName(value)}>`;
}

/** Formats as Python does: shortest digits, an exponent from 1e16 and below 1e-4. */
export function showFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

function reprText(text: Text): Text {
  const quote = text.value.includes("'") && !text.value.includes('"') ? '"' : "'";
  const escaped = text.mapMatches(/[\\'\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu, (character) => {
    if (character === "'") return quote === "'" ? "\\'" : "'";
    if (Object.hasOwn(NAMED, character)) return NAMED[character];
    const code = character.codePointAt(0)!;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return bracketed(quote, escaped, quote);
}

export interface JsonOptions {
  /** White space per level; null for one line. */
  readonly indent: string | null;
  readonly separators: readonly [item: string, key: string];
  readonly sortKeys: boolean;
  readonly ensureAscii: boolean;
}

/** As `json.dumps`. @throws TemplateFault for what JSON cannot represent */
export function toJson(value: Value, options: JsonOptions, level = 0): Text {
  spendSteps();
  if (isText(value)) return jsonText(value, options);
  if (value === null) return new Text('null');
  if (typeof value === 'boolean' || typeof value === 'number') return new Text(String(value));
  if (value instanceof Float) {
    return new Text(showFloat(value.value).replace('inf', 'Infinity').replace('nan', 'NaN'));
  }
  const inner = (parts: (() => Text)[], open: string, close: string) => {
    if (parts.length === 0) return new Text(open + close);
    const { indent, separators } = options;
    const lineAt = (depth: number) => {
      if (indent === null) return '';
      spendCharacters(indent.length * depth);
      return `\n${indent.repeat(depth)}`;
    };
    const items = joined(parts, separators[0] + lineAt(level + 1));
    return bracketed(open + lineAt(level + 1), items, lineAt(level) + close);
  };
  if (value instanceof List) {
    return inner(
      value.items.map((item) => () => toJson(item, options, level + 1)),
      '[',
      ']',
    );
  }
  if (value instanceof Dict) {
    const entries = value.entries.map((entry) => ({ ...entry, name: jsonKey(entry.key) }));
    if (options.sortKeys) {
      entries.sort((a, b) => {
        spendSteps();
        spendCharacters(Math.min(a.name.length, b.name.length));
        return a.name < b.name ? -1 : 1;
      });
    }
    const parts = entries.map(({ key, value: entry, name: plain }) => () => {
      const name = isText(key) ? jsonText(key, options) : new Text(JSON.stringify(plain));
      return joinTexts([name, new Text(options.separators[1]), toJson(entry, options, level + 1)]);
    });
    return inner(parts, '{', '}');
  }
  throw new TemplateFault(`Object of type ${typeName(value)} is not JSON serializable`);
}

function jsonKey(key: Value): string {
  if (isText(key)) return key.value;
  if (key === null) return 'null';
  if (typeof key === 'boolean' || typeof key === 'number') return String(key);
  if (key instanceof Float) return showFloat(key.value);
  throw new TemplateFault(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonText(text: Text, { ensureAscii }: JsonOptions): Text {
  // Python does not escape U+007F and lone surrogates; only ensure_ascii escapes non-ASCII characters.
  const escaped = text.mapMatches(/["\\\p{Cc}]/gu, (character) => {
    return character < '\x7f' ? JSON.stringify(character).slice(1, -1) : character;
  });
  const hex = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return bracketed('"', ensureAscii ? escaped.mapMatches(/[\x80-\uffff]/g, hex) : escaped, '"');
}

/** Joins the parts with a separator, one level deeper. */
function joined(parts: readonly (() => Text)[], separator = ', '): Text {
  const texts = deeper(() => parts.map((part) => part()));
  return joinTexts(texts, new Text(separator));
}

function bracketed(open: string, text: Text, close: string): Text {
  return joinTexts([new Text(open), text, new Text(close)]);
}
