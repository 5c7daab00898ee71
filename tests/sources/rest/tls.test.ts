import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRestSource } from '../../../engine/sources/rest/rest-source.ts';
import { makeCertificate } from '../../helpers/certificate.ts';
import { startProxy } from '../../servers/proxy.ts';
import { rows } from '../../servers/rest-api.ts';
import { apiConnection, fastClock, readApi } from './rest-reader.ts';

const authority = makeCertificate({ name: 'Company CA' });
const servers: https.Server[] = [];
let folder = '';
let url = '';

async function serve(certificate: { certificate: string; key: string }): Promise<string> {
  const server = https.createServer({ cert: certificate.certificate, key: certificate.key }, (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(request.url?.startsWith('/token') ? { access_token: 'from-tls', expires_in: 60 } : rows(3)),
    );
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `https://localhost:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tls-'));
  await writeFile(path.join(folder, 'ca.pem'), `Company CA\r\n${authority.certificate.replaceAll('\n', '\r\n')}`);
  await writeFile(path.join(folder, 'no.pem'), 'nothing');
  await writeFile(path.join(folder, 'bad.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
  url = await serve(makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority }));
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

const resolvePath = (file: string) => path.resolve(folder, file);

describe('https', () => {
  test('an own authority is trusted by ca_file, from the folder of the project', async () => {
    const result = await readApi(url, {}, { connection: { ca_file: 'ca.pem' }, deps: { resolvePath } });
    expect(result.rows).toHaveLength(3);
  });

  test('the token endpoint is reached by the same rules', async () => {
    const auth = { type: 'oauth2', token_url: `${url}/token`, client_id: 'a', client_secret: 'bcde' };
    const result = await readApi(
      url,
      { auth_type: 'oauth2' },
      { connection: { ca_file: 'ca.pem', auth }, deps: { resolvePath } },
    );
    expect(result.rows).toHaveLength(3);
  });

  test('without it the certificate is not trusted, and the way out is named', async () => {
    await expect(readApi(url, {})).rejects.toMatchObject({
      code: 'API_CERTIFICATE',
      retryable: false,
      hint: expect.stringContaining('ca_file'),
    });
  });

  test.each([
    ['an expired certificate', { days: -1 }, /expired/],
    ['a certificate for another host', { hosts: ['other.example'] }, /another host/],
  ])('%s is refused though its authority is trusted', async (_name, options, message) => {
    const server = await serve(
      makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority, ...options }),
    );
    await expect(
      readApi(server, {}, { connection: { ca_file: 'ca.pem' }, deps: { resolvePath } }),
    ).rejects.toMatchObject({
      code: 'API_CERTIFICATE',
      message: expect.stringMatching(message),
    });
  });

  test.each(['missing.pem', 'no.pem', 'bad.pem'])('ca_file %s is told before any request', async (file) => {
    await expect(readApi(url, {}, { connection: { ca_file: file }, deps: { resolvePath } })).rejects.toMatchObject({
      code: 'CA_FILE_UNUSABLE',
      hint: expect.any(String),
    });
  });

  test('through the proxy of the connection, which wins over the environment; direct goes past all', async () => {
    const proxy = await startProxy();
    try {
      const through = { ca_file: 'ca.pem', proxy: proxy.url.replace('//', '//ann:pr0xy-pass@') };
      const deps = { resolvePath, environment: { HTTPS_PROXY: 'http://127.0.0.1:9', NO_PROXY: 'localhost' } };
      expect((await readApi(url, {}, { connection: through, deps })).rows).toHaveLength(3);
      expect(proxy.tunnels).toEqual([new URL(url).host]);
      expect(proxy.authorizations).toEqual([`Basic ${btoa('ann:pr0xy-pass')}`]);
      const direct = { ca_file: 'ca.pem', proxy: 'direct' };
      const past = await readApi(
        url,
        {},
        { connection: direct, deps: { resolvePath, environment: { HTTPS_PROXY: proxy.url } } },
      );
      expect(past.rows).toHaveLength(3);
      expect(proxy.tunnels).toHaveLength(1);
      await expect(readApi(url, {}, { connection: { proxy: 'ftp://x' }, deps })).rejects.toMatchObject({
        code: 'PROXY_UNUSABLE',
      });
    } finally {
      proxy.close();
    }
  });

  test('the connection test trusts the same, and tests the proxy where there is one', async () => {
    const proxy = await startProxy();
    const stages = async (values: Record<string, unknown>) => {
      const source = createRestSource(apiConnection(url, { ca_file: 'ca.pem', ...values }), {
        clock: fastClock(),
        resolvePath,
        environment: {},
      });
      const seen = [];
      for await (const { stage, status, detail } of source.test(new AbortController().signal))
        seen.push(`${stage} ${status}: ${detail}`);
      await source.close();
      return seen;
    };
    try {
      expect(await stages({})).toEqual([
        expect.stringMatching(/^dns passed: localhost is /),
        expect.stringMatching(/^tcp passed/),
        expect.stringMatching(/^tls passed: TLSv1.3, certificate trusted/),
        'login passed: no sign-in is set',
        expect.stringMatching(/^permission passed/),
        expect.stringMatching(/^first_read passed: 200/),
      ]);
      const through = await stages({ proxy: proxy.url });
      expect(through[0]).toBe('dns passed: proxy 127.0.0.1 is 127.0.0.1');
      expect(through[2]).toBe('tls skipped: through the proxy: shows with the first read');
      expect(through.at(-1)).toMatch(/^first_read passed: 200/);
    } finally {
      proxy.close();
    }
  });
});
