/** Replies that try to break out of the page, to block it, or to confuse its parser. The same for the same seed. */

const RTL = '\u202e\u2066\u2067\u200f\u061c\u202d';
const KINDS: readonly ((random: (below: number) => number) => string)[] = [
  () =>
    '<script>window.hacked = 1</script><img src=x onerror="window.hacked=1"><iframe src="https://evil.example"></iframe>',
  () =>
    '<svg onload=window.hacked=1><style>@import "https://evil.example/x.css"</style><base href="https://evil.example">',
  (random) =>
    `[click](javascript:window.hacked=${random(9)}) [x](JaVaScRiPt:alert(1)) <javascript:alert(1)> [y](vbscript:x)`,
  () =>
    '![i](https://evil.example/p.png) ![j](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+) [d](data:text/html,<script>1</script>)',
  () => '[r][x]\n\n[x]: javascript:window.hacked=1 "title"\n\n[f]: file:///etc/passwd\n\n[f] <file:///etc/passwd>',
  (random) => `a ${RTL}evil ${RTL.repeat(random(50))} [https://good.example](https://evil.example/${RTL})`,
  (random) => `${'> '.repeat(100 + random(10_000))}deep`,
  (random) => `${'- '.repeat(100 + random(3000))}deep`,
  (random) => `${'>'.repeat(20)} ${'1. '.repeat(random(30))}x\n`.repeat(50),
  (random) => `${'['.repeat(500 + random(3000))}a${']'.repeat(random(3000))}`,
  (random) => '*a_ '.repeat(200 + random(2000)),
  (random) => `${'**'.repeat(500 + random(2000))}x`,
  (random) =>
    '`'
      .repeat(1 + random(50))
      .concat(' code ')
      .repeat(100),
  (random) => `\`\`\`js\n${'let a = "'.repeat(random(500))}\n`,
  (random) => `~~~~${'x'.repeat(random(5000))}\nunclosed`,
  (random) =>
    `|${' a |'.repeat(random(300))}\n|${' - |'.repeat(random(300))}\n${`|${' b |'.repeat(50)}\n`.repeat(random(200))}`,
  (random) => `| a | b |\n|---|---|\n${'| 1 | 2 |\n'.repeat(random(4000))}`,
  (random) => `$${'{'.repeat(random(2000))}x$ \\(\\frac{${'\\sqrt{'.repeat(random(500))}\\) $$\\def\\a{\\a\\a}\\a$$`,
  () => '$\\href{javascript:window.hacked=1}{x}$ $\\includegraphics{https://evil.example/x.png}$ $\\htmlData{a=b}{x}$',
  (random) => `${'[^a]'.repeat(random(500))}\n\n[^a]: ${'[^a]'.repeat(random(100))}`,
  (random) => `${'[a]: /x\n'.repeat(random(2000))}`,
  (random) => `${'&#x202e;&lt;script&gt;&amp;&NotEqualTilde;&bogus;'.repeat(random(300))}`,
  (random) => `${'<a '.repeat(random(3000))}`,
  (random) => `${'<!-- '.repeat(random(1000))}`,
  (random) => `${'https://a.example/?'.repeat(random(1500))}`,
  (random) => `${'x@a.'.repeat(random(3000))}`,
  (random) => `${'\\'.repeat(random(5000))}\n${'\t'.repeat(random(3000))}x`,
  () => '\u0000\ufeff\ufffd\u0007\u001b[31mred\u2028\u2029\ud800 lone \udc00',
  (random) =>
    `${'日本語の文。'.repeat(random(500))}\n\n${'שלום עולם '.repeat(random(500))}\n\n${'مرحبا '.repeat(random(300))}`,
  (random) => `${'a\n===\n'.repeat(random(800))}`,
  (random) => `${'# h\n'.repeat(random(3000))}`,
  (random) => `${'- a\n\n'.repeat(random(2000))}`,
  (random) => `${'* * *\n'.repeat(random(3000))}`,
  (random) => `z\u0301${'\u0301'.repeat(random(5000))}`,
];

/** A generator of numbers below a bound (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** @param long length of the lines that are too long, UTF-16 units */
export function hostileReplies(count: number, seed: number, long = 1_000_000): string[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, at) => {
    // A few of the slowest kind.
    if (at % 100 === 50) return `before\n\n${'long line '.repeat(long / 10)}\n\n*after*`;
    if (at % 100 === 75) return `\`\`\`\n${'x'.repeat(long)}\n\`\`\`\n\n*after*`;
    const parts = Array.from({ length: 1 + random(3) }, () =>
      KINDS[(at + random(KINDS.length)) % KINDS.length]!(random),
    );
    return `Reply ${at}.\n\n${parts.join(random(2) === 0 ? '\n\n' : '\n')}`;
  });
}
