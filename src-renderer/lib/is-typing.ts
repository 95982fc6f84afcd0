/** Whether a text field has the focus, which then must stay there. */
export function isTyping(): boolean {
  return document.activeElement?.matches('input, textarea') ?? false;
}
