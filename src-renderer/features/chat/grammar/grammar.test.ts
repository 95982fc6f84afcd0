import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineError } from '../../../../src-main/engine/api/errors.ts';
import type { GrammarSource, SourceProblem } from '../../../../src-main/engine/api/types.ts';
import type { EngineApi } from '../../../../src-main/protocol/engine/api.ts';
import { toasts } from '../../../ui/toasts.svelte.ts';
import { chooseExample } from './choose-example.ts';
import { GRAMMAR_EXAMPLES } from './examples.ts';
import { FakeServices, memoryStorage, MODEL } from '../test-support/fakes.ts';
import { AutomaticRequests } from '../state/automatic-requests.ts';
import { ModelSettingsState } from '../state/model-settings.svelte.ts';
import { SettingsState } from '../state/settings.svelte.ts';
import { GrammarCheck } from './grammar-check.svelte.ts';

const WRONG: SourceProblem = { message: 'There is no rule "x".', line: 2, column: 5 };
const gbnf = (source: string): GrammarSource => ({ kind: 'gbnf', source });

describe('the check of a grammar', () => {
  let asked: GrammarSource[];
  let answer: () => Promise<{ problem: SourceProblem | null }>;
  let check: GrammarCheck;

  beforeEach(() => {
    vi.useFakeTimers();
    asked = [];
    answer = () => Promise.resolve({ problem: WRONG });
    const api = {
      call: (_: string, { grammar }: { grammar: GrammarSource }) => {
        asked.push(grammar);
        return answer();
      },
    } as unknown as EngineApi;
    const automatic = new AutomaticRequests(memoryStorage(), () => true);
    check = new GrammarCheck({ ready: () => Promise.resolve(api) }, automatic);
  });
  afterEach(() => vi.useRealTimers());

  it('says where it is wrong and holds messages back until it is mended', async () => {
    check.check(gbnf('old'))();
    check.check(gbnf('new'));
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toEqual([gbnf('new')]);
    expect(check.problem).toEqual(WRONG);
    expect(check.blocks).toContain('line 2, column 5');
    answer = () => Promise.resolve({ problem: null });
    check.check(gbnf('mended'));
    await vi.advanceTimersByTimeAsync(200);
    expect(check).toMatchObject({ problem: null, passed: true, blocks: null });
  });

  it('holds nothing back without a grammar, or when the engine is away', async () => {
    check.check(gbnf('a'));
    await vi.advanceTimersByTimeAsync(200);
    check.check(null);
    expect(check).toMatchObject({ problem: null, passed: false });
    answer = () => Promise.reject(new EngineError('BACKEND_LOST', 'Gone.'));
    check.check(gbnf('a'));
    await vi.advanceTimersByTimeAsync(200);
    expect(check.blocks).toBeNull();
    answer = () => Promise.reject(new EngineError('BAD_REQUEST', 'Too long.'));
    check.check(gbnf('a'));
    await vi.advanceTimersByTimeAsync(200);
    expect(check.problem?.message).toBe('Too long.');
  });
});

describe('a grammar that the engine did not respond', () => {
  it('is not checked again, nor sent, until it is changed or a person wants it', async () => {
    vi.useFakeTimers();
    const asked: string[] = [];
    const api = {
      call: (_: string, { grammar }: { grammar: GrammarSource }) => {
        asked.push(grammar.source);
        return new Promise(() => undefined);
      },
    } as unknown as EngineApi;
    const storage = memoryStorage();
    // A new one for every start of the app.
    const started = () =>
      new GrammarCheck({ ready: () => Promise.resolve(api) }, new AutomaticRequests(storage, () => false));
    started().check(gbnf('hangs'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual(['hangs']);

    const check = started();
    check.check(gbnf('hangs'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(asked).toEqual(['hangs']);
    expect(check.held).toBe(true);
    expect(check.problem?.message).toContain('did not respond');
    expect(check.blocks).toContain('did not respond');

    check.check(gbnf('other'));
    await vi.advanceTimersByTimeAsync(200);
    check.retry(gbnf('hangs'));
    await vi.advanceTimersByTimeAsync(200);
    expect(asked).toEqual(['hangs', 'other', 'hangs']);
    expect(check.held).toBe(false);
    vi.useRealTimers();
  });
});

describe('an example that is chosen', () => {
  const [first, second] = GRAMMAR_EXAMPLES.gbnf;

  beforeEach(() => {
    toasts.list = [];
  });

  async function chosenInsteadOf(source: string): Promise<ModelSettingsState> {
    const settings = await SettingsState.load(new FakeServices());
    const state = new ModelSettingsState({ settings, engine: { model: MODEL }, firstModel: MODEL.id });
    state.setGrammar(gbnf(source));
    chooseExample(state, gbnf(source), second!);
    expect(state.sampling.grammar).toEqual(gbnf(second!.source));
    return state;
  }

  it('replaces a written format only until that is undone', async () => {
    const state = await chosenInsteadOf('root ::= "mine"');
    expect(toasts.list).toMatchObject([{ text: 'Answer format replaced', detail: second!.name }]);
    toasts.undo(toasts.list[0].id);
    expect(state.sampling.grammar).toEqual(gbnf('root ::= "mine"'));
    expect(state.own.drafts.gbnf).toBe('root ::= "mine"');
  });

  it('has nothing to undo after another example, or an empty text', async () => {
    await chosenInsteadOf(first.source);
    await chosenInsteadOf('\n');
    expect(toasts.list).toEqual([]);
  });

  it('is undone where it was chosen', () => {
    const giveBack = vi.fn();
    const settings = { owner: 'first', remember: () => giveBack, setGrammar: vi.fn() };
    chooseExample(settings, gbnf('root ::= "mine"'), first);
    settings.owner = 'second';
    toasts.undo(toasts.list[0].id);
    expect(giveBack).toHaveBeenCalledOnce();
    expect(settings.setGrammar).toHaveBeenCalledOnce();
  });
});

describe('examples', () => {
  it('of schemas are JSON', () => {
    for (const { source } of GRAMMAR_EXAMPLES.json_schema) expect(JSON.parse(source)).toBeTypeOf('object');
  });
  it('of grammars have a root', () => {
    for (const { source } of GRAMMAR_EXAMPLES.gbnf) expect(source).toMatch(/^root ::=/);
  });
});
