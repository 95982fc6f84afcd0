export type TooltipSide = 'top' | 'right' | 'bottom' | 'left';

interface TooltipOptions {
  /** Key that does the same: `Ctrl N`. */
  kbd?: string | undefined;
  side?: TooltipSide;
}

/**
 * Attributes of a control with a tooltip, which `TooltipLayer` shows. A component for each of a long chat's hundreds of
 * buttons would take most of the time in which the chat comes into view.
 */
export function tooltip(text: string, { kbd, side = 'bottom' }: TooltipOptions = {}) {
  return { 'data-tooltip': text, 'data-tooltip-kbd': kbd, 'data-tooltip-side': side };
}
