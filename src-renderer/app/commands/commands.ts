import type { SendKey } from '../../../src-main/protocol/app/app-services.ts';
import { NEW_LINE_KEY_NAMES, SEND_KEY_NAMES } from '../../lib/send-key.ts';

/**
 * The commands of the window: what the palette offers, which keys run them, and what the shortcut sheet lists. All three
 * derive from this table.
 */
export interface CommandInfo {
  readonly id: string;
  readonly title: string;
  readonly group: CommandGroup;
  /**
   * `Ctrl N`, `F6`, `T`. Keys without Ctrl that are text do nothing while one types. Browsers keep some for themselves
   * (`lib/browser-keys.ts`).
   */
  readonly keys?: string;
  /** More words to find it by. */
  readonly words?: string;
  /** Only a key, not an entry of the palette. */
  readonly hidden?: true;
}

export const COMMAND_GROUPS = ['General', 'Chat', 'View', 'Models', 'Appearance'] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

export const COMMANDS = [
  { id: 'palette', title: 'Command palette', group: 'General', keys: 'Ctrl K', hidden: true },
  { id: 'shortcuts', title: 'Keyboard shortcuts', group: 'General', keys: '?', words: 'keys help' },
  { id: 'settings', title: 'Settings', group: 'General', keys: 'Ctrl ,', words: 'preferences options' },
  { id: 'tour', title: 'Take the tour', group: 'General', words: 'help introduction' },
  { id: 'next-region', title: 'Next part of the window', group: 'General', keys: 'F6', hidden: true },
  { id: 'previous-region', title: 'Previous part of the window', group: 'General', keys: 'Shift F6', hidden: true },

  { id: 'new-chat', title: 'New chat', group: 'Chat', keys: 'Ctrl N' },
  { id: 'new-notebook', title: 'New notebook', group: 'Chat', words: 'text continue write' },
  { id: 'find', title: 'Find in this chat', group: 'Chat', keys: 'Ctrl F', words: 'search text' },
  { id: 'escape', title: 'Stop the reply', group: 'Chat', keys: 'Esc', hidden: true },
  { id: 'regenerate', title: 'Regenerate the last reply', group: 'Chat', words: 'again retry' },
  { id: 'toggle-tokens', title: 'Show text or tokens', group: 'Chat', keys: 'T', words: 'probability tints' },
  { id: 'toggle-raw', title: 'Show replies formatted or raw', group: 'Chat', words: 'markdown' },
  { id: 'copy-reply', title: 'Copy the last reply', group: 'Chat', words: 'clipboard answer text' },
  { id: 'focus-composer', title: 'Focus the message box', group: 'Chat', words: 'composer type write input' },
  { id: 'pin-chat', title: 'Pin or unpin this chat', group: 'Chat' },
  { id: 'move-chat', title: 'Move this chat to a folder', group: 'Chat' },
  { id: 'duplicate-chat', title: 'Duplicate this chat', group: 'Chat', words: 'copy' },
  { id: 'export-markdown', title: 'Export this chat as Markdown', group: 'Chat', words: 'save' },
  { id: 'export-text', title: 'Export this chat as plain text', group: 'Chat', words: 'save' },
  { id: 'export-json', title: 'Export this chat as JSON', group: 'Chat', words: 'save branches' },
  { id: 'delete-chat', title: 'Delete this chat', group: 'Chat', words: 'remove' },
  { id: 'delete-chats', title: 'Delete all chats', group: 'Chat', words: 'clear remove everything' },
  {
    id: 'deleted-chats',
    title: 'Recently deleted chats',
    group: 'Chat',
    words: 'restore undo recover trash notebooks',
  },
  { id: 'prompt-1', title: 'First prompt of a new chat', group: 'Chat', keys: '1', hidden: true },
  { id: 'prompt-2', title: 'Second prompt of a new chat', group: 'Chat', keys: '2', hidden: true },
  { id: 'prompt-3', title: 'Third prompt of a new chat', group: 'Chat', keys: '3', hidden: true },

  { id: 'view-chat', title: 'Go to Chat', group: 'View', keys: 'Ctrl 1' },
  { id: 'view-compare', title: 'Go to Compare', group: 'View', keys: 'Ctrl 2', words: 'lanes side by side' },
  { id: 'view-models', title: 'Go to Models', group: 'View', keys: 'Ctrl 3', words: 'download catalogue' },
  { id: 'view-tokenizer', title: 'Go to Tokenizer', group: 'View', keys: 'Ctrl 4' },
  { id: 'view-inside', title: 'Go to Inside', group: 'View', keys: 'Ctrl 5', words: 'steps attention layers why' },
  { id: 'toggle-panel', title: 'Show or hide the panel', group: 'View', words: 'sidebar' },
  { id: 'panel-sampling', title: 'Panel: Sampling', group: 'View', words: 'temperature top-p seed' },
  { id: 'panel-stop', title: 'Panel: Stop', group: 'View', words: 'length stop strings repetition' },
  { id: 'panel-prompt', title: 'Panel: Prompt', group: 'View', words: 'template' },
  { id: 'panel-context', title: 'Panel: Context', group: 'View', words: 'window tokens' },
  { id: 'panel-rate', title: 'Panel: Rate', group: 'View', words: 'speed tokens per second' },

  { id: 'open-model', title: 'Open a model file', group: 'Models', keys: 'Ctrl O', words: 'GGUF' },
  { id: 'unload-model', title: 'Unload the model', group: 'Models', words: 'memory' },

  { id: 'theme-system', title: 'Theme: System', group: 'Appearance' },
  { id: 'theme-light', title: 'Theme: Light', group: 'Appearance' },
  { id: 'theme-dark', title: 'Theme: Dark', group: 'Appearance' },
  { id: 'theme-contrast', title: 'Theme: High contrast', group: 'Appearance' },
  { id: 'text-larger', title: 'Larger text', group: 'Appearance', words: 'size zoom font' },
  { id: 'text-smaller', title: 'Smaller text', group: 'Appearance', words: 'size zoom font' },
  { id: 'density', title: 'Compact or comfortable spacing', group: 'Appearance', words: 'density' },
] as const satisfies readonly CommandInfo[];

export type Command = (typeof COMMANDS)[number]['id'];

/** A row of the shortcut sheet. @param onMac the keys on a Mac, if it does not just have Command for Control */
export type KeyRow = readonly [keys: string, does: string, onMac?: string];

/** Keys of one view or control. */
interface KeyGroup {
  readonly group: string;
  /** Only where the title bar has the menu of the app. */
  readonly appMenu?: true;
  /** It begins with the keys of the message box, which a setting changes. */
  readonly sends?: true;
  readonly rows: readonly KeyRow[];
}

/** Keys that a view or the focused control handles itself; listed in the shortcut sheet. */
export const CONTROL_KEYS: readonly KeyGroup[] = [
  { group: 'Title bar', appMenu: true, rows: [['F10', 'Menu']] },
  {
    group: 'Text box',
    sends: true,
    rows: [['↑', 'Edit the last message (empty box)']],
  },
  {
    group: 'Find in chat',
    rows: [
      ['Enter', 'Next match'],
      ['Shift Enter', 'Previous match'],
      ['F3', 'Next match, also from its buttons'],
      ['Shift F3', 'Previous match, also from its buttons'],
      ['Esc', 'Close'],
    ],
  },
  {
    group: 'Notebook',
    rows: [
      ['Ctrl Enter', 'Generate'],
      ['Ctrl Z', 'Undo'],
      ['Ctrl Shift Z', 'Redo'],
      ['Alt ←', 'Previous version', '⌃ Alt ←'],
      ['Alt →', 'Next version', '⌃ Alt →'],
      ['Alt Enter', 'Details of the token at the cursor'],
      ['↓', 'Next candidate in the details'],
      ['↑', 'Previous candidate in the details'],
      ['Enter', 'Branch to the candidate'],
      ['Shift Alt Enter', 'How the token was drawn'],
    ],
  },
  {
    group: 'Compare',
    rows: [
      ['Ctrl Enter', 'Run'],
      ['1', 'Vote for text 1'],
      ['0', 'Tie'],
      ['S', 'Skip'],
    ],
  },
  {
    group: 'Runs of Compare',
    rows: [
      ['F2', 'Rename'],
      ['Del', 'Delete'],
    ],
  },
  {
    group: 'Messages',
    rows: [
      ['↑', 'Previous message'],
      ['↓', 'Next message'],
      ['E', 'Edit'],
      ['Del', 'Delete'],
      ['Alt ←', 'Previous version'],
      ['Alt →', 'Next version'],
      ['Shift F10', 'More actions'],
    ],
  },
  {
    group: 'Tokens of a reply',
    rows: [
      ['←', 'Previous token'],
      ['→', 'Next token'],
      ['Home', 'First token'],
      ['End', 'Last token'],
      ['Shift →', 'Select tokens'],
      ['Enter', 'Pin the details'],
      ['↓', 'Next candidate in the details'],
      ['↑', 'Previous candidate in the details'],
      ['B', 'Branch from the token'],
      ['H', 'How the token was drawn'],
      ['I', 'Look inside'],
    ],
  },
  {
    group: 'How it was drawn',
    rows: [
      ['Alt ←', 'Previous token'],
      ['Alt →', 'Next token'],
    ],
  },
  {
    group: 'Tokens in Inside and Tokenizer',
    rows: [
      ['←', 'Previous token'],
      ['→', 'Next token'],
      ['Home', 'First token'],
      ['End', 'Last token'],
    ],
  },
  {
    group: 'Pictures in Inside',
    rows: [
      ['←', 'Previous column'],
      ['→', 'Next column'],
      ['↑', 'Row above'],
      ['↓', 'Row below'],
      ['Home', 'First column'],
      ['End', 'Last column'],
      ['PgUp', 'First row'],
      ['PgDn', 'Last row'],
      ['Enter', 'Choose the cell'],
    ],
  },
  {
    group: 'Charts',
    rows: [
      ['←', 'Previous point'],
      ['→', 'Next point'],
      ['↑', 'Series above'],
      ['↓', 'Series below'],
    ],
  },
  {
    group: 'Sampler chain',
    rows: [
      ['Space', 'Pick up or drop a stage'],
      ['↑', 'Move the stage up'],
      ['↓', 'Move the stage down'],
      ['Esc', 'Put the stage back'],
    ],
  },
  {
    group: 'List of chats',
    rows: [
      ['F2', 'Rename'],
      ['Del', 'Delete'],
      ['Shift F10', 'More actions'],
    ],
  },
  {
    group: 'Sliders',
    rows: [
      ['←', 'One step down'],
      ['→', 'One step up'],
      ['Del', 'Default value'],
    ],
  },
];

/** The rows of a group of `CONTROL_KEYS`. */
export function keyRowsOf({ rows, sends }: KeyGroup, sendWith: SendKey): readonly KeyRow[] {
  if (!sends) return rows;
  return [[SEND_KEY_NAMES[sendWith], 'Send'], [NEW_LINE_KEY_NAMES[sendWith], 'New line'], ...rows];
}
