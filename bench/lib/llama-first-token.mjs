/** A short program with node-llama-cpp, as a developer would write it: MODEL PROMPT; prints the first token. */
// Indirect, because its types exist only after bench/ was installed.
const name = 'node-llama-cpp';
const { getLlama } = await import(name);

const [modelPath, prompt] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: 'never', logLevel: 'error' });
const model = await llama.loadModel({ modelPath });
const context = await model.createContext({ contextSize: 4096 });
const sequence = context.getSequence();
for await (const token of sequence.evaluate(model.tokenize(prompt), { temperature: 0 })) {
  process.stdout.write(model.detokenize([token]));
  break;
}
await llama.dispose();
