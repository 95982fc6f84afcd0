import { expect, test } from 'vitest';
import { potOf, textsIn } from './lib/texts.ts';

const texts = (path: string, source: string) => textsIn(path, source).map(({ line, text }) => `${line} ${text}`);

test('texts of a component are whole, with names for values', () => {
  const source = `<script lang="ts">
  let { name, on } = $props();
  const state: 'ready to go' | 'lost' = 'lost';
  const title = \`\${name} was opened\`;
</script>

<p>Not saved: {name}. <b>Try again</b></p>
<Button label={on ? 'on' : 'off'} class="row wide" data-testid="a-button" hint="Opens {name}">
  {#if state === 'lost'}Lost{/if}
</Button>
<input placeholder="any" {...props} onclick={() => run('the-name', { title: 'JSON' })} />
`;
  expect(texts('a.svelte', source)).toEqual([
    '4 {name} was opened',
    '7 Not saved: {name}.',
    '7 Try again',
    '8 on',
    '8 off',
    '8 Opens {name}',
    '9 Lost',
    '11 any',
    '11 JSON',
  ]);
});

test('texts of a module are sentences, and words that begin like one, but no names', () => {
  const source = `import x from 'Not a text';
type Kind = 'Not this one';
export const labels = { kind: 'Delete', other: 'not' };
throw new EngineError('MODEL_IO', 'The file ' + path + ' is gone. ' + \`It had \${bytes} bytes.\`);
throw new Error('for developers only');
element.querySelector('a button, span');
if (kind === 'one two') show(on ? 'Only one' : \`none of \${count(1)}\`);
`;
  expect(texts('a.ts', source)).toEqual([
    '3 Delete',
    '4 The file {path} is gone. It had {bytes} bytes.',
    '7 Only one',
    '7 none of {…}',
  ]);
});

test('a template for translators has equal texts once, with all positions', () => {
  const at = (path: string, line: number, text: string) => ({ path, line, text });
  expect(potOf([at('a.ts', 1, 'Say "x"'), at('b.ts', 2, 'Two'), at('c.ts', 3, 'Say "x"')])).toBe(
    [
      'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n',
      '#: a.ts:1\n#: c.ts:3\nmsgid "Say \\"x\\""\nmsgstr ""\n',
      '#: b.ts:2\nmsgid "Two"\nmsgstr ""\n',
    ].join('\n'),
  );
});
