import type { MathElement } from '../tree.ts';
import { MAX_FORMULA } from './limits.ts';

/** As in Temml's tree of MathML. */
interface TemmlNode {
  type?: string;
  text?: string;
  attributes?: Record<string, unknown>;
  style?: Record<string, string>;
  children?: TemmlNode[];
}

/** Presentation MathML. Others, such as links and annotations with markup, are left out. */
const TAGS = new Set(
  (
    'math mrow mi mn mo ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover mmultiscripts ' +
    'mprescripts mtable mtr mtd mstyle mpadded mphantom menclose merror'
  ).split(' '),
);
const ATTRIBUTES = new Set(
  (
    'display displaystyle scriptlevel mathvariant stretchy symmetric fence separator form lspace rspace minsize maxsize ' +
    'largeop movablelimits accent accentunder linethickness width height depth voffset columnalign rowspacing ' +
    'columnspacing columnlines rowlines notation dir columnspan rowspan'
  ).split(' '),
);

/** @returns MathML, or null if it is not valid TeX */
export async function mathElement(tex: string, display: boolean): Promise<MathElement | null> {
  if (tex.length > MAX_FORMULA) return null;
  const { default: temml } = await import('temml');
  try {
    const root = temml.__renderToMathMLTree(tex, {
      displayMode: display,
      throwOnError: true,
      trust: false,
      maxExpand: 200,
      maxSize: [20, 20],
    }) as TemmlNode;
    return elementOf(root);
  } catch {
    return null;
  }
}

function elementOf(node: TemmlNode): MathElement | null {
  const { type, attributes = {}, children = [], text } = node;
  if (type === undefined || !TAGS.has(type)) return null;
  const kept = Object.entries(attributes).filter(([name]) => ATTRIBUTES.has(name));
  const own = children.flatMap((child): (MathElement | string)[] => {
    if (child.type !== undefined) return elements([child]);
    return typeof child.text === 'string' ? [child.text] : elements(child.children ?? []);
  });
  if (typeof text === 'string' && children.length === 0) own.push(text);
  return {
    tag: type,
    attributes: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
    children: own,
  };
}

function elements(nodes: readonly TemmlNode[]): MathElement[] {
  return nodes.map(elementOf).filter((element) => element !== null);
}
