/**
 * Control characters as escapes, as in JSON, so that a terminal shows them instead of obeying them.
 * @param kept those that stay as they are
 */
export function visibleControls(text: string, kept = ''): string {
  return text.replaceAll(/\p{Cc}/gu, (control) => (kept.includes(control) ? control : escapeOf(control)));
}

function escapeOf(control: string): string {
  const escape = JSON.stringify(control).slice(1, -1);
  // JSON leaves DEL and U+0080 to U+009F as they are. Terminals obey the latter, too.
  return escape === control ? `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}` : escape;
}
