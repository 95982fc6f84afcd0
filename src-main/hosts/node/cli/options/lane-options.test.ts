import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { laneOptions, parseLane } from './lane-options.ts';
import { addContextOptions, generateParams, type ReplyOptions } from './reply-options.ts';
import { addSamplingOptions, addStopOptions } from './sampling-options.ts';

/** Parameters of a lane, with these flags for all lanes. */
function paramsOf(lane: string, ...flags: string[]) {
  const command = new Command();
  addContextOptions(command);
  addSamplingOptions(command);
  addStopOptions(command);
  command.parse(flags, { from: 'user' });
  return generateParams({ question: 'Hello' }, laneOptions(command.opts<ReplyOptions>(), parseLane(lane)));
}

describe('a lane', () => {
  it('is greedy, or settings named as the flags of run', () => {
    expect(paramsOf('greedy').sampling.temperature).toBe(0);
    expect(paramsOf('top-k=40,seed=1').sampling).toMatchObject({ topK: 40, seed: 1, temperature: 0.8 });
    expect(paramsOf('temp=1.5, predict=7, no-kv-cache')).toMatchObject({
      sampling: { temperature: 1.5 },
      stop: { maxTokens: 7 },
      useKvCache: false,
    });
    expect(paramsOf('--top-p=.5').sampling.topP).toBe(0.5);
    expect(paramsOf('temperature=-1').sampling.temperature).toBe(-1);
  });

  it('overrides the flags for all lanes, and keeps the rest', () => {
    const all = ['--max-tokens', '9', '--top-k', '7', '--stop', 'a', '--stop', 'b'];
    const { sampling, stop } = paramsOf('top-k=3,stop=c', ...all);
    expect({ topK: sampling.topK, stop }).toMatchObject({ topK: 3, stop: { maxTokens: 9, stopStrings: ['c'] } });
  });

  it('may stop at a line feed', () => {
    expect(paramsOf('stop=\\n').stop.stopStrings).toEqual(['\n']);
  });

  it('may have its own system prompt and template', () => {
    const { prompt } = paramsOf('system=Be brief\\, please.,template=plain', '--system', 'Be kind.');
    expect(prompt).toMatchObject({
      messages: [
        { role: 'system', text: 'Be brief, please.' },
        { role: 'user', text: 'Hello' },
      ],
      template: { kind: 'plain' },
    });
  });

  it('replaces flags that contradict it', () => {
    expect(paramsOf('temperature=1.5', '--greedy').sampling.temperature).toBe(1.5);
    expect(paramsOf('greedy', '--temperature', '1.5').sampling.temperature).toBe(0);
    const { grammar } = paramsOf('json-schema={"type":"string"}', '--grammar', 'root ::= "a"').sampling;
    expect(grammar).toEqual({ kind: 'json_schema', source: '{"type":"string"}' });
  });

  it.each([
    ['top-q=40', /There is no setting "top-q"\./],
    ['top-k=many', /Expected a number/],
    ['greedy=1', /"greedy" takes no value/],
    ['top-k', /"top-k" needs a value/],
    ['greedy,,seed=1', /missing between two commas/],
    ['', /missing between two commas/],
    ['json', /There is no setting "json"\./],
    ['model=other.gguf', /All lanes have the same model: pass --model outside --lane\./],
    ['greedy,executor=reference', /All lanes have the same executor/],
    ['hello world', /There is no setting "hello world"\./],
  ])('is refused with the reason: %s', (lane, message) => {
    expect(() => parseLane(lane)).toThrow(UsageError);
    expect(() => parseLane(lane)).toThrow(message);
    expect(() => parseLane(lane)).toThrow(`--lane "${lane}"`);
  });
});
