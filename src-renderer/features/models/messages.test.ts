import { expect, it } from 'vitest';
import { EngineError } from '../../../src-main/engine/api/errors.ts';
import { backendLost } from '../../../src-main/protocol/errors.ts';
import { fitOf } from './memory.ts';
import { fitProblem, gpuProblem, problemText } from './messages.ts';

it('says by how much a model does not fit, and what helps', () => {
  const fit = fitOf({ needed: 2.6e9, free: 1.9e9, held: 0 });
  expect(fitProblem(fit, 4096)).toEqual({
    title: 'Needs 700\u00a0MB more',
    text: 'A context of 4,096 tokens needs 2.6\u00a0GB; 1.9\u00a0GB is free. Choose a smaller context or close other apps.',
  });
  const beside = fitOf({ needed: 2.6e9, free: 1.9e9, held: 0.1e9 });
  expect(fitProblem(beside, 4096)?.text).toContain('2.0\u00a0GB is free after the current model is unloaded');
  const hopeless = fitOf({ needed: 7.2e9, least: 6.9e9, free: 4.3e9, held: 0 });
  expect(fitProblem(hopeless, 4096)?.text).toMatch(
    /4.3\u00a0GB is free. Even the smallest context needs 6.9\u00a0GB\. Choose a smaller model or close other apps.$/,
  );
  expect(fitProblem(fitOf({ needed: 1, free: 2, held: 0 }), 4096)).toBeNull();
  expect(fitProblem(null, 4096)).toBeNull();
});

it('says by how much a buffer is too large for the GPU, and what helps', () => {
  const at = (contextSize: number, largestBuffer: number) => {
    return { contextSize, weights: 0, kvCache: 0, scratch: 0, total: 0, largestBuffer };
  };
  const [least, most] = [at(1024, 0.1e9), at(32_768, 2.3e9)];
  expect(gpuProblem(most, least, 2.1e9)).toEqual({
    title: 'Needs 200\u00a0MB more',
    text: 'A context of 32,768 tokens needs a buffer of 2.3\u00a0GB; this GPU allows 2.1\u00a0GB. Choose a smaller context or the CPU.',
  });
  expect(gpuProblem(most, least, 0.05e9)?.text).toMatch(/Choose the CPU\.$/);
  expect(gpuProblem(most, least, 2.3e9)).toBeNull();
  expect(gpuProblem(most, least, null)).toBeNull();
});

it('names what is wrong with a model, in the words of the engine', () => {
  const unknown = new EngineError('UNSUPPORTED_ARCHITECTURE', 'mamba is not known.');
  expect(problemText(unknown)).toEqual({ title: 'Unsupported architecture', text: 'mamba is not known.' });
  const memory = problemText(new EngineError('OUT_OF_MEMORY', 'No room. Choose a smaller model.'));
  expect(memory).toEqual({ title: 'Not enough memory', text: 'No room. Choose a smaller model.' });
  expect(problemText(new EngineError('INTERNAL', 'A bug.')).title).toBe('Could not load the model');
});

it('says that the engine stopped only if it did', () => {
  const message = 'Chromium offers no GPU to this app.';
  const withoutGpu = problemText(new EngineError('BACKEND_LOST', message, { gpu: true }));
  expect(withoutGpu).toEqual({ title: 'The GPU cannot be used', text: message });
  const thread = problemText(new EngineError('BACKEND_LOST', 'A CPU kernel thread did not start.'));
  expect(thread).toEqual({ title: 'Could not load the model', text: 'A CPU kernel thread did not start.' });
  const stopped = problemText(backendLost('It crashed.'));
  expect(stopped).toEqual({
    title: 'The engine stopped',
    text: 'It crashed. It restarted with the previous model.',
  });
});
