import { describe, expect, it } from 'vitest';
import { savedItemsFile, type SavedItem } from '../../../../../src-main/protocol/app/presets/saved-items.ts';
import { readSettingsFile } from './read-settings-file.ts';

/** The settings of another program's file. */
function mapped(text: string, name = 'mine.json') {
  const file = readSettingsFile(text, name);
  if (file.kind !== 'other') throw new Error('Expected the file of another program.');
  return { program: file.program, ...file.settings };
}

const keysOf = (unmapped: readonly { key: string }[]) => unmapped.map(({ key }) => key);

describe('LM Studio', () => {
  const preset = (fields: [string, unknown][], more: object = {}) =>
    JSON.stringify({
      identifier: '@local:careful',
      name: 'Careful',
      changed: true,
      operation: { fields: fields.map(([key, value]) => ({ key: `llm.prediction.${key}`, value })) },
      load: { fields: [{ key: 'llm.load.contextLength', value: 8192 }] },
      ...more,
    });

  it('maps a preset of the present format', () => {
    const text = preset([
      ['temperature', 0.3],
      ['topKSampling', 20],
      ['topPSampling', { checked: true, value: 0.9 }],
      ['minPSampling', { checked: false, value: 0.05 }],
      ['repeatPenalty', { checked: true, value: 1.1 }],
      ['llama.presencePenalty', { checked: true, value: 1.5 }],
      ['maxPredictedTokens', { checked: true, value: 500 }],
      ['stopStrings', ['###']],
      ['structured', { type: 'none' }],
      ['tools', { type: 'none' }],
      ['systemPrompt', 'Be careful.'],
      ['llama.cpuThreads', 14],
      ['contextOverflowPolicy', 'rollingWindow'],
    ]);
    const { program, name, sampling, stop, systemPrompt, unmapped } = mapped(text);
    expect({ program, name, systemPrompt }).toEqual({
      program: 'LM Studio',
      name: 'Careful',
      systemPrompt: 'Be careful.',
    });
    expect(sampling).toEqual({
      temperature: 0.3,
      topK: 20,
      topP: 0.9,
      minP: 0,
      repeatPenalty: 1.1,
      presencePenalty: 1.5,
    });
    expect(stop).toEqual({ maxTokens: 500, stopStrings: ['###'] });
    expect(keysOf(unmapped)).toEqual([
      'llm.prediction.llama.cpuThreads',
      'llm.prediction.contextOverflowPolicy',
      'llm.load.contextLength',
    ]);
  });

  it('maps a JSON schema, and reports templates', () => {
    const { sampling, unmapped } = mapped(
      preset([
        ['structured', { type: 'json', jsonSchema: { type: 'object' } }],
        ['promptTemplate', { type: 'jinja', jinjaPromptTemplate: { template: '{{ x }}' } }],
      ]),
    );
    expect(sampling.grammar).toEqual({ kind: 'json_schema', source: '{\n  "type": "object"\n}' });
    expect(keysOf(unmapped)).toContain('llm.prediction.promptTemplate');
  });

  it('takes a repeated stop string once, without a remark', () => {
    const { stop, unmapped } = mapped(preset([['stopStrings', ['###', 'END', '###']]]));
    expect(stop).toEqual({ stopStrings: ['###', 'END'] });
    expect(keysOf(unmapped)).toEqual(['llm.load.contextLength']);
  });

  it('maps a preset of versions before 0.3', () => {
    const inference_params = {
      ...{ temp: 0.8, top_k: 40, top_p: 0.95, repeat_penalty: 1.1, n_predict: -1, antiprompt: ['### User:'] },
      ...{ input_prefix: '### User:', pre_prompt: 'You are an assistant.', n_threads: 4 },
    };
    const { sampling, stop, systemPrompt, unmapped } = mapped(
      JSON.stringify({ name: 'Alpaca', inference_params, load_params: { n_ctx: 2048 } }),
    );
    expect(sampling).toEqual({ temperature: 0.8, topK: 40, topP: 0.95, repeatPenalty: 1.1 });
    expect(stop).toEqual({ maxTokens: 2 ** 31 - 1, stopStrings: ['### User:'] });
    expect(systemPrompt).toBe('You are an assistant.');
    expect(keysOf(unmapped)).toEqual(['input_prefix', 'n_threads', 'n_ctx']);
  });
});

describe('llama.cpp', () => {
  it('maps a command line', () => {
    const { program, name, sampling, stop, systemPrompt, unmapped } = mapped(
      String.raw`./llama-server -m "my models/x.gguf" -c 4096 --temp 0.6 --top-k=20 --min-p 0 \
        --samplers "penalties;dry;top_k;typ_p;infill;temperature" -n -1 --seed -1 --ignore-eos \
        --dry-multiplier 0.8 --dry-sequence-breaker '\n' --dry-sequence-breaker : -r '###' \
        --repeat-last-n -1 -sys "You are \"brief\"." --logit-bias 15043+1 --jinja --no-webui`,
      'server.sh',
    );
    expect({ program, name, systemPrompt }).toEqual({
      program: 'llama.cpp',
      name: 'server',
      systemPrompt: 'You are "brief".',
    });
    expect(sampling).toEqual({
      temperature: 0.6,
      topK: 20,
      minP: 0,
      samplers: ['penalties', 'dry', 'top_k', 'typical', 'temperature'],
      seed: null,
      dryMultiplier: 0.8,
      drySequenceBreakers: ['\n', ':'],
      penaltyLastN: -1,
    });
    expect(stop).toEqual({ maxTokens: 2 ** 31 - 1, ignoreEos: true, stopStrings: ['###'] });
    expect(unmapped).toEqual([
      { key: '-m', value: 'my models/x.gguf', why: 'This is set when the model is loaded.' },
      { key: '-c', value: '4096', why: 'This is set when the model is loaded.' },
      { key: '--samplers', value: 'infill', why: 'There is no such stage.' },
      { key: '--logit-bias', value: '15043+1', why: 'Token IDs belong to one model.' },
      { key: '--jinja', value: '', why: 'Set this in the Prompt panel.' },
      { key: '--no-webui', value: '', why: 'Tokenscope has no such setting.' },
    ]);
  });

  it('takes adaptive-p over only if the list of samplers names it', () => {
    const named = mapped('--samplers "top_k;adaptive-p" --adaptive-target 0.4', 'flags.txt');
    expect(named.sampling).toEqual({ samplers: ['top_k'], adaptiveTarget: 0.4 });
    expect(named.unmapped).toEqual([]);
    const unnamed = mapped('--adaptive-target 0.4 --samplers "top_k;temp"', 'flags.txt');
    expect(unnamed.sampling).toEqual({ samplers: ['top_k', 'temperature'] });
    expect(keysOf(unnamed.unmapped)).toEqual(['--adaptive-target']);
  });

  it('maps the letters of --sampling-seq', () => {
    expect(mapped('--sampling-seq edskypmxt', 'flags.txt').sampling.samplers).toEqual([
      ...['penalties', 'dry', 'top_n_sigma', 'top_k', 'typical', 'top_p', 'min_p', 'xtc', 'temperature'],
    ]);
  });

  it('knows the letter of adaptive-p', () => {
    const { sampling, unmapped } = mapped('--sampling-seq edkypmxta --adaptive-target 0.4', 'flags.txt');
    expect(sampling.adaptiveTarget).toBe(0.4);
    expect(sampling.samplers).toHaveLength(8);
    expect(unmapped).toEqual([]);
  });

  it.each([
    ['letters', 'edkypmxt', ['penalties', 'dry', 'top_k', 'typical', 'top_p', 'min_p', 'xtc', 'temperature']],
    ['names', 'top_k;temperature', ['top_k', 'temperature']],
    ['one name, even if it consists of letters of stages', 'temp', ['temperature']],
  ])('reads a text of samplers as %s', (_, samplers, stages) => {
    const { sampling, unmapped } = mapped(JSON.stringify({ samplers, temperature: 0.5 }));
    expect(sampling).toEqual({ samplers: stages, temperature: 0.5 });
    expect(unmapped).toEqual([]);
  });

  it('leaves a list of samplers out of which none is known, and takes an empty one over', () => {
    const { sampling, unmapped } = mapped(JSON.stringify({ samplers: ['infill'], top_k: 3 }));
    expect(sampling).toEqual({ topK: 3 });
    expect(unmapped).toEqual([{ key: 'samplers', value: 'infill', why: 'There is no such stage.' }]);
    expect(mapped(JSON.stringify({ samplers: [], top_k: 3 })).sampling).toEqual({ samplers: [], topK: 3 });
    expect(mapped(JSON.stringify({ samplers: ['adaptive_p'], top_k: 3 })).sampling).toEqual({ samplers: [], topK: 3 });
  });

  it('replaces the escapes in reverse prompts and breakers, unless told not to', () => {
    const flags = String.raw`llama-cli -r '\nUser:' -r '\x23\x23\xe2\x80\x99 \q' --dry-sequence-breaker '\"\t'`;
    const { sampling, stop, unmapped } = mapped(flags, 'run.sh');
    expect(stop.stopStrings).toEqual(['\nUser:', String.raw`##’ \q`]);
    expect(sampling.drySequenceBreakers).toEqual(['"\t']);
    expect(unmapped).toEqual([]);
    const kept = mapped(`${flags} --no-escape`, 'run.sh');
    expect(kept.stop.stopStrings?.[0]).toBe(String.raw`\nUser:`);
    expect(kept.unmapped).toEqual([]);
  });

  it('leaves the comments of a script out', () => {
    const commented = `#!/bin/sh
# Don't raise it; --top-k 20 was worse
llama-server --temp 0.7 \\
# --top-p 0.5
  --min-p 0.1 -r '###' -r a#b # --seed 3`;
    const { sampling, stop, unmapped } = mapped(commented, 'server.sh');
    expect(sampling).toEqual({ temperature: 0.7, minP: 0.1 });
    expect(stop).toEqual({ stopStrings: ['###', 'a#b'] });
    expect(unmapped).toEqual([]);
  });

  it('maps the settings in /props', () => {
    const params = {
      ...{ n_predict: 128, seed: 4294967295, temperature: 0.8, dynatemp_range: 0.2, dynatemp_exponent: 1 },
      ...{ top_k: 40, top_n_sigma: -1, typical_p: 1, xtc_threshold: 0.1, mirostat: 2, mirostat_tau: 5, min_keep: 2 },
      ...{ stop: ['</s>'], t_max_predict_ms: -1, samplers: ['top_k', 'temperature'], logit_bias: [], grammar: '' },
      ...{ stream: true, chat_format: 'Content-only', lora: [] },
    };
    const { sampling, stop, unmapped } = mapped(JSON.stringify({ default_generation_settings: { id: 0, params } }));
    expect(sampling).toEqual({
      ...{
        seed: null,
        temperature: 0.8,
        dynatempRange: 0.2,
        dynatempExponent: 1,
        topK: 40,
        topNSigma: -1,
        typicalP: 1,
      },
      ...{ xtcThreshold: 0.1, mirostat: 2, mirostatTau: 5, minKeep: 2, samplers: ['top_k', 'temperature'] },
    });
    expect(stop).toEqual({ maxTokens: 128, stopStrings: ['</s>'], timeLimitMs: null });
    expect(keysOf(unmapped)).toEqual(['stream', 'chat_format', 'lora']);
  });

  it('reports values that are changed or not allowed', () => {
    const { sampling, unmapped } = mapped(JSON.stringify({ temperature: 'hot', top_p: 1.5, top_k: 2.5, min_p: 0.1 }));
    expect(sampling).toEqual({ topP: 1, minP: 0.1 });
    expect(unmapped).toEqual([
      { key: 'temperature', value: 'hot', why: 'Tokenscope does not accept this value.' },
      { key: 'top_p', value: '1.5', why: 'Changed to 1.' },
      { key: 'top_k', value: '2.5', why: 'Tokenscope does not accept this value.' },
    ]);
  });
});

describe('Ollama', () => {
  it('maps a Modelfile', () => {
    const { program, name, sampling, stop, systemPrompt, unmapped } = mapped(
      `# A comment
FROM llama3.2
PARAMETER temperature 0.6
parameter top_p 0.9
PARAMETER num_ctx 4096
PARAMETER stop "<|start_header_id|>"
PARAMETER stop AI assistant:
PARAMETER num_predict -2
PARAMETER tfs_z 1
TEMPLATE """{{ .System }}
PARAMETER temperature 2
{{ .Prompt }}"""
SYSTEM """
You are Mario.
# Not a comment
"""
`,
      'Modelfile',
    );
    expect({ program, name }).toEqual({ program: 'Ollama', name: 'Modelfile' });
    expect(sampling).toEqual({ temperature: 0.6, topP: 0.9 });
    expect(stop).toEqual({ stopStrings: ['<|start_header_id|>', 'AI assistant:'], maxTokens: 2 ** 31 - 1 });
    expect(systemPrompt).toBe('You are Mario.\n# Not a comment');
    expect(keysOf(unmapped)).toEqual(['FROM', 'num_ctx', 'tfs_z', 'TEMPLATE']);
  });

  it('reads texts in quotes to the line that ends with them, as `ollama show --modelfile` writes them', () => {
    const { sampling, stop, systemPrompt, unmapped } = mapped(
      `SYSTEM "You are "Mario".
# Rules

Be brief."
PARAMETER stop "
User:"
PARAMETER stop """
"END" """
PARAMETER stop "say "so""
MESSAGE user "Hi
PARAMETER top_k 3"
PARAMETER top_p 0.9
`,
      'Modelfile',
    );
    expect(systemPrompt).toBe('You are "Mario".\n# Rules\n\nBe brief.');
    expect(stop.stopStrings).toEqual(['\nUser:', '\n"END" ', 'say "so"']);
    expect(sampling).toEqual({ topP: 0.9 });
    expect(unmapped).toEqual([
      { key: 'MESSAGE', value: 'user Hi PARAMETER top_k 3', why: 'It is the beginning of a chat.' },
    ]);
  });

  it('reads what follows quotes that are not closed as their text', () => {
    const { sampling, systemPrompt } = mapped(
      'PARAMETER top_k 3\nSYSTEM "You are Mario.\nPARAMETER top_p 0.5',
      'Modelfile',
    );
    expect(sampling).toEqual({ topK: 3 });
    expect(systemPrompt).toBe('You are Mario.\nPARAMETER top_p 0.5');
  });
});

describe('what could not be saved', () => {
  it('is cut or left out, so that the rest is imported', () => {
    const name = `${'n'.repeat(79)}😀`;
    const long = mapped(JSON.stringify({ name, inference_params: { temp: 0.5, pre_prompt: 'x'.repeat(300_000) } }));
    expect(long).toMatchObject({ name: 'n'.repeat(79), sampling: { temperature: 0.5 }, systemPrompt: null });
    expect(long.unmapped).toMatchObject([{ key: 'pre_prompt', why: 'It is too long: 300,000 of 262,144 characters.' }]);
    const empty = mapped('PARAMETER top_k 3\nSYSTEM ""', 'Modelfile');
    expect(empty).toMatchObject({ sampling: { topK: 3 }, systemPrompt: null, unmapped: [] });
  });

  it('is refused in a moment', () => {
    const before = process.cpuUsage().user;
    expect(() => readSettingsFile('\n'.repeat(2_000_000), 'x.txt')).toThrow('no settings');
    expect((process.cpuUsage().user - before) / 1000).toBeLessThan(2000);
  });
});

describe('any file', () => {
  it('reads this app’s own export', () => {
    const items: SavedItem[] = [
      { kind: 'preset', id: 'a', name: 'Mine', sampling: { topK: 3 }, stop: {} },
      { kind: 'prompt', id: 'b', name: 'Pirate', text: 'Arr.' },
    ];
    const text = JSON.stringify(savedItemsFile(items, [{ kind: 'later' }]));
    expect(readSettingsFile(text, 'x.json')).toEqual({ kind: 'own', items, unknown: 1 });
  });

  it.each([
    ['{"a": 1}', 'x.json', 'no settings that Tokenscope knows'],
    ['Hello world', 'x.txt', 'no settings that Tokenscope knows'],
    ['[1]', 'x.json', 'no settings that Tokenscope knows'],
    ['FROM llama3', 'Modelfile', 'sets nothing that Tokenscope has'],
    ['{"format":"tokenscope-presets","version":9,"items":[]}', 'x.json', 'later version'],
    ['{"format":"tokenscope-presets","version":1}', 'x.json', 'damaged'],
  ])('refuses %s', (text, name, message) => {
    expect(() => readSettingsFile(text, name)).toThrow(message);
  });
});
