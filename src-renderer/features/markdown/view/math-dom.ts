import type { MathElement } from '../tree.ts';

const MATHML = 'http://www.w3.org/1998/Math/MathML';

/** Builds the element. Tags and attributes are those that `parse/maths.ts` lets pass. */
export function mathDom({ tag, attributes, children }: MathElement): Element {
  const element = document.createElementNS(MATHML, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.map((child) => (typeof child === 'string' ? child : mathDom(child))));
  return element;
}
