/** Parses Markdown beside the page, so that no text can block it. */
import type { TaskAnswer, TaskMessage } from '../state/parser-client.ts';
import { highlight } from './highlight.ts';
import { mathElement } from './maths.ts';
import { parseMarkdown } from './parse-markdown.ts';

async function answer(message: TaskMessage): Promise<unknown> {
  switch (message.task) {
    case 'parse': {
      const from = performance.now();
      const parsed = parseMarkdown(message.params);
      return { ...parsed, ms: performance.now() - from };
    }
    case 'highlight':
      return await highlight(message.params.code, message.params.language);
    case 'maths':
      return await mathElement(message.params.tex, message.params.display);
  }
}

self.addEventListener('message', ({ data }: MessageEvent<TaskMessage>) => {
  const post = (message: TaskAnswer) => self.postMessage(message);
  answer(data).then(
    (result) => post({ result }),
    (error: unknown) => post({ error: String(error) }),
  );
});
