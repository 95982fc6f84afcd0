import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { AppEvent, AppServices, ModelListing, OpenedItem } from '../../src-main/protocol/app/app-services.ts';
import { toasts } from '../ui/toasts.svelte.ts';
import { followOpened } from './opened.ts';
import { shell } from './shell.svelte.ts';

const LISTING = { id: 'a', name: 'A' } as ModelListing;

let waiting: OpenedItem[];
let tell: (event: AppEvent) => void;
const services = {
  invoke: async () => waiting.splice(0),
  onEvent: (listener: (event: AppEvent) => void) => {
    tell = listener;
    return () => undefined;
  },
} as unknown as AppServices;
const library = { added: vi.fn(async () => true), load: vi.fn(async () => undefined) };
const session = { draft: '' };
const newChat = vi.fn();
const follow = () => followOpened({ services, library, session, newChat });

beforeEach(() => {
  waiting = [];
  session.draft = '';
  vi.clearAllMocks();
  toasts.list = [];
});

describe('a model file', () => {
  it('that was opened before the page is loaded', async () => {
    waiting = [{ type: 'model', listing: LISTING }];
    follow();
    await vi.waitFor(() => expect(library.load).toHaveBeenCalledWith('a'));
    expect(library.added).toHaveBeenCalledWith(LISTING);
    expect(shell.view).toBe('models');
  });

  it('that is opened later, once', async () => {
    follow();
    waiting = [{ type: 'model', listing: LISTING }];
    tell({ type: 'opened' });
    tell({ type: 'opened' });
    await vi.waitFor(() => expect(library.load).toHaveBeenCalled());
    expect(library.load).toHaveBeenCalledTimes(1);
  });

  it('is not loaded if its header cannot be read', async () => {
    library.added.mockResolvedValueOnce(false);
    waiting = [{ type: 'model', listing: LISTING }];
    follow();
    await vi.waitFor(() => expect(library.added).toHaveBeenCalled());
    expect(library.load).not.toHaveBeenCalled();
  });
});

describe('the question of a link', () => {
  it('is written in a new chat, and not sent', async () => {
    waiting = [{ type: 'question', text: 'What is a token?' }];
    follow();
    await vi.waitFor(() => expect(session.draft).toBe('What is a token?'));
    expect(newChat).toHaveBeenCalled();
    expect(toasts.list.map(({ text }) => text)).toEqual(['A link opened this question']);
  });

  it('does not replace what was being written', async () => {
    session.draft = 'My own text';
    waiting = [{ type: 'question', text: 'Hi' }];
    follow();
    await vi.waitFor(() => expect(session.draft).toBe('My own text\nHi'));
  });
});
