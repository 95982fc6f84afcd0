import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import { checkSource } from './requests.ts';

const check = (headers: IncomingHttpHeaders, port: number) => () => checkSource(headers, port, true);

test('browsers leave out port 80, in Host and in Origin', () => {
  for (const host of ['127.0.0.1', 'localhost']) {
    const origin = `http://${host}`;
    expect(check({ host, origin }, 80), host).not.toThrow();
    // Other programs may name it.
    expect(check({ host: `${host}:80`, origin }, 80), host).not.toThrow();
    expect(check({ host, origin }, 4317), host).toThrow(`${host}:4317`);
    expect(check({ host: `${host}:4317`, origin: `${origin}:4317` }, 4317), host).not.toThrow();
  }
});

test('on port 80, other hosts and origins are refused as on any other', () => {
  for (const host of ['evil.example', '127.0.0.1:81', '127.0.0.1:8080', '[::1]', ':80', '']) {
    expect(check({ host, origin: `http://${host}` }, 80), host).toThrow('requests to 127.0.0.1 and localhost');
  }
  for (const origin of ['http://evil.example', 'http://localhost', 'https://127.0.0.1', 'http://127.0.0.1:8080']) {
    expect(check({ host: '127.0.0.1', origin }, 80), origin).toThrow('other origins');
  }
});
