import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { focusView } from './view-focus.ts';

const REGION = '[data-region="thread"]';

/** What has the focus. */
let focused: string;

/** An element with others in it, by selector. */
function element(name: string, inside: Record<string, object> = {}, tabIndex = -1) {
  return {
    name,
    tabIndex,
    focus: () => (focused = name),
    querySelector: (selector: string) => inside[selector] ?? null,
  };
}

/** @param inside the elements of the view on screen @param has whether it has the focus */
function show(inside: Record<string, object>, has = false): void {
  const hidden = { ...element('hidden'), checkVisibility: () => false };
  const shown = { ...element('view', inside), checkVisibility: () => true, contains: () => has };
  vi.stubGlobal('document', { querySelectorAll: () => [hidden, shown], activeElement: null });
  focusView();
}

beforeEach(() => {
  focused = '';
  onTestFinished(() => void vi.unstubAllGlobals());
});

it('goes to what the first region begins with, else to the heading, else to the view', () => {
  const heading = { h1: element('heading') };
  show({ ...heading, [REGION]: element('thread', {}, 0) });
  expect(focused).toBe('thread');
  show({ ...heading, [REGION]: element('region', { '[data-region-focus]': element('field') }) });
  expect(focused).toBe('field');
  show({ ...heading, [REGION]: element('region') });
  expect(focused).toBe('heading');
  show({});
  expect(focused).toBe('view');
});

it('stays where the view has put it', () => {
  show({ h1: element('heading') }, true);
  expect(focused).toBe('');
});
