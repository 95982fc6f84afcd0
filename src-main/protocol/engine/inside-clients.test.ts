import { expect, it } from 'vitest';
import { InsideClients } from './inside-clients.ts';
import { FakeEngine } from './test-support/fake-engine.ts';

const [first, second] = [{}, {}];

function setUp() {
  const engine = new FakeEngine();
  return { clients: new InsideClients(engine), released: engine.released };
}

it('frees nothing while another client looks inside', async () => {
  const { clients, released } = setUp();
  clients.asks(first);
  clients.asks(second);
  expect(await clients.release(second)).toBe(0);
  expect(released).toEqual([]);
  expect(await clients.release(first)).toBe(7);
  expect(released).toEqual(['all']);
});

it('frees the model beside the loaded one when nobody compares with it any more', async () => {
  const { clients, released } = setUp();
  clients.loadsBeside(first, 'small');
  clients.loadsBeside(second, 'small');
  expect(await clients.release(first, 'beside')).toBe(0);
  expect(released).toEqual([]);
  // The first one still looks at something else.
  await clients.release(second);
  expect(released).toEqual(['beside']);
});

it('leaves a model alone that took the place of the one that a client compared with', async () => {
  const { clients, released } = setUp();
  clients.loadsBeside(first, 'small');
  clients.loadsBeside(second, 'large');
  await clients.release(first, 'beside');
  expect(released).toEqual([]);
  await clients.release(second, 'beside');
  expect(released).toEqual(['beside']);
});

it('frees what a client looked at that is gone, once', () => {
  const { clients, released } = setUp();
  clients.asks(first);
  clients.left(second);
  expect(released).toEqual([]);
  clients.left(first);
  clients.left(first);
  expect(released).toEqual(['all']);
});
