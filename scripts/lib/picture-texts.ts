/** Texts that are on screen in screenshots. */

/** The catalogue's name of the model that is fetched for tests. */
export const CHAT_MODEL = 'SmolLM2 135M Instruct';

/** A question, and a reply that has everything that can be formatted. */
export const FORMATTED = {
  question: 'How do I solve x² = 4?',
  reply: `# Solving $x^2 = 4$

Bring everything to one side, then **factor** it: a difference of squares is *always* a product.
Check the result with \`roots(1, 0, -4)\`, or read about [quadratic equations](https://example.org/quadratic).

1. Write the equation as $x^2 - 4 = 0$.
2. Factor it as $(x - 2)(x + 2) = 0$.
   - The first factor is zero at **2**.
   - The second one is zero at **−2**.

- [x] Find both solutions
- [ ] Put them into the equation

> Every positive number has two square roots. [^zero]

\`\`\`python
def roots(a, b, c):
    """Return the real solutions of ax² + bx + c = 0."""
    root = (b * b - 4 * a * c) ** 0.5  # the square root of the discriminant
    return (-b - root) / (2 * a), (-b + root) / (2 * a)
\`\`\`

| Equation | Discriminant | Solutions |
| -------- | -----------: | --------- |
| x² = 4   |           16 | −2 and 2  |
| x² = 0   |            0 | 0         |

The general solution is

$$
x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}
$$

[^zero]: Zero has one.
`,
} as const;

const STORY =
  'Once upon a time there was a little girl named Lily, who lived in a small house near the sea. Every morning she ' +
  'went to the beach with her dog Max and looked for shells. One day she found a big blue shell behind a rock. She ' +
  'held it to her ear and heard the waves. Max wanted to hear them too, so she gave it to him. He barked, ran into ' +
  'the water, and came back with a wet tail. Lily laughed and took the shell home. Her mother put it on the window, ' +
  'where it looked out at the sea.';

/** A story of at least so many words. */
export function longStory(words: number): string {
  const times = Math.ceil(words / STORY.split(' ').length);
  return Array.from({ length: times }, () => STORY).join(' ');
}
