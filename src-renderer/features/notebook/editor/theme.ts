import { EditorView } from '@codemirror/view';

/** The tints of the chat's tokens view. The editor's shadow root has no other styles. */
const tints = { ...tintsOf('data-p', '--prob', 11), ...tintsOf('data-s', '--surp', 7) };

/** @param steps of the scale in `tokens.css` */
function tintsOf(attribute: string, scale: string, steps: number): Record<string, { backgroundColor: string }> {
  return Object.fromEntries(
    Array.from({ length: steps }, (_, step) => [
      `.tok[${attribute}="${step}"]`,
      { backgroundColor: `var(${scale}-${step})` },
    ]),
  );
}

export const notebookTheme = EditorView.theme({
  '&': { height: '100%', color: 'var(--text-1)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': {
    overflow: 'auto',
    fontFamily: 'inherit',
    fontSize: 'var(--fs-read)',
    lineHeight: 'var(--lh-read)',
    letterSpacing: 'var(--ls-read)',
  },
  '.cm-content': {
    boxSizing: 'border-box',
    width: '100%',
    maxWidth: 'calc(var(--w-read) + 48px)',
    margin: '0 auto',
    padding: '20px 24px 96px',
    caretColor: 'var(--text-1)',
  },
  '.cm-line': { padding: '0' },
  '.cm-placeholder': { color: 'var(--text-3)' },
  // Square, so that adjacent tokens look like one piece.
  '.generated': { backgroundColor: 'var(--accent-soft)' },
  // As in chats (base.css).
  '.found': { backgroundColor: 'var(--accent-line)', color: 'var(--on-found)' },
  '.found.current': { backgroundColor: 'var(--found-current)', color: 'var(--on-found-current)' },
  // No padding, margin or border to the sides: turning the view on never moves a letter.
  '.tok': {
    padding: '3px 0',
    borderRadius: 'var(--r-token)',
    boxShadow: 'inset 1px 0 0 var(--surface-1)',
    boxDecorationBreak: 'clone',
    color: 'var(--text-1)',
    forcedColorAdjust: 'none',
  },
  ...tints,
  '.tok[data-line]': { textUnderlineOffset: '4px', textDecorationSkipInk: 'none' },
  '.tok[data-line="dotted"]': { textDecoration: 'underline dotted var(--prob-line-2) 1.5px' },
  '.tok[data-line="solid"]': { textDecoration: 'underline solid var(--prob-line-0) 2px' },
  // The surprise scale has no colours for strokes.
  '.tok[data-s][data-line]': { textDecorationColor: 'var(--text-2)' },
  '.tok.hot': { outline: '2px solid var(--text-1)', outlineOffset: '1px' },
});
