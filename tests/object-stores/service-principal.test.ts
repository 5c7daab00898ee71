import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ClientSecretCredential } from '@azure/identity';
import { BlobServiceClient } from '@azure/storage-blob';
import { OAuth2Server } from 'oauth2-mock-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoreCredentials } from '../../engine/object-stores/credentials.ts';
import { openObjectStore } from '../../engine/object-stores/open-object-store.ts';
import { createSecretStore } from '../../engine/secrets/secret-store.ts';
import {
  type SignInDesk,
  type SignInRequest,
  SignInSessions,
  withSignInDesk,
} from '../../engine/sign-in/sign-in-desk.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { ACCOUNT, type Azurite, startAzurite } from '../servers/azurite.ts';
import { startProxy } from '../servers/proxy.ts';
import { browse } from '../servers/sign-in-authority.ts';
import { memoryKeychain } from '../service/service-harness.ts';
import { QUICK } from './stores.ts';

const TENANT = '11111111-1111-1111-1111-111111111111';
const CLIENT = '22222222-2222-2222-2222-222222222222';
const SECRET = 'the-right-secret~1';

describe('a service principal, over TLS that a company’s own authority signs', () => {
  let root: string;
  let azurite: Azurite;
  let oauth: OAuth2Server;
  let issuer: string;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'principal-'));
    const authority = makeCertificate({ name: 'Company CA' });
    const server = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: authority });
    const [cert, key] = [join(root, 'server.pem'), join(root, 'server.key')];
    await writeFile(join(root, 'company.pem'), authority.certificate);
    await writeFile(cert, server.certificate);
    await writeFile(key, server.key);
    const endpoints = {
      authorize: `/${TENANT}/oauth2/v2.0/authorize`,
      token: `/${TENANT}/oauth2/v2.0/token`,
      wellKnownDocument: `/${TENANT}/v2.0/.well-known/openid-configuration`,
    };
    oauth = new OAuth2Server(key, cert, { endpoints: endpoints as never });
    await oauth.issuer.keys.generate('RS256');
    await oauth.start(undefined, '127.0.0.1');
    issuer = `https://localhost:${oauth.address().port}`;
    oauth.issuer.url = issuer;
    oauth.service.on('beforeTokenSigning', (token) => {
      Object.assign(token.payload, {
        aud: 'https://storage.azure.com',
        iss: `https://sts.windows.net/${TENANT}/`,
        ver: '1.0',
      });
    });
    oauth.service.on('beforeResponse', (response, request) => {
      const form = (request as unknown as { body: Record<string, string> }).body;
      // Without the scope openid there is none.
      if (form['grant_type'] === 'authorization_code') delete (response.body as Record<string, unknown>)['id_token'];
      if (form['grant_type'] === 'authorization_code' || form['client_secret'] === SECRET) return;
      response.statusCode = 401;
      response.body = { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' };
    });
    azurite = await startAzurite(['--oauth', 'basic', '--cert', cert, '--key', key]);
  }, 60_000);
  afterAll(async () => {
    await azurite?.stop();
    await oauth?.stop();
    await rm(root, { recursive: true, force: true });
  });
  const open = (change: StoreCredentials, environment: Record<string, string> = {}) =>
    openObjectStore(
      'az://principal/x',
      {
        azure_account_host: `https://localhost:${azurite.port}/${ACCOUNT}`,
        azure_tenant_id: TENANT,
        azure_client_id: CLIENT,
        azure_client_secret: SECRET,
        ca_file: 'company.pem',
        ...change,
      },
      { baseDirectory: root, environment: { AZURE_AUTHORITY_HOST: issuer, ...environment }, retry: QUICK },
    );

  it('signs in, and reads and writes through a proxy', async () => {
    const agent = new Agent({ ca: await readFile(join(root, 'company.pem')) });
    const sign = { authorityHost: issuer, disableInstanceDiscovery: true, agent };
    const credential = new ClientSecretCredential(TENANT, CLIENT, SECRET, sign);
    const url = `https://localhost:${azurite.port}/${ACCOUNT}`;
    await new BlobServiceClient(url, credential, { agent } as object).getContainerClient('principal').create();

    const direct = await open({});
    expect(await direct.put('a.txt', 'hello', 'absent')).toBe(true);
    expect(await text(await direct.read('a.txt'))).toBe('hello');
    await direct.close();
    const proxy = await startProxy();
    for (const [setting, environment] of [
      [{ proxy: proxy.url }, {}],
      [{}, { HTTPS_PROXY: proxy.url }],
    ] as const) {
      const before = proxy.tunnels.length;
      const store = await open(setting, environment);
      expect(await text(await store.read('a.txt'))).toBe('hello');
      expect(proxy.tunnels.slice(before)).toContain(`localhost:${azurite.port}`);
      await store.close();
    }
    const past = proxy.tunnels.length;
    const store = await open({ proxy: 'direct' }, { HTTPS_PROXY: proxy.url });
    expect(await store.stat('a.txt')).toMatchObject({ bytes: 5 });
    expect(proxy.tunnels).toHaveLength(past);
    await store.close();
    proxy.close();
  });

  it('signs a person in with the browser in its place, and says when nobody does', async () => {
    const company = await readFile(join(root, 'company.pem'), 'utf8');
    const requests: SignInRequest[] = [];
    const desk = (act: (request: SignInRequest, cancel: () => void) => unknown): SignInDesk => ({
      project: root,
      store: createSecretStore({ directory: join(root, `user-${requests.length}`), keychain: memoryKeychain() }),
      sessions: new SignInSessions(),
      ask: (request, cancel) => {
        requests.push(request);
        act(request, cancel);
        return () => undefined;
      },
    });
    const person = {
      azure_authentication: 'browser',
      azure_client_id: undefined,
      azure_client_secret: undefined,
    } as never;
    await withSignInDesk(
      desk(({ address }) => browse(address, company)),
      async () => {
        const store = await open(person);
        expect(await text(await store.read('a.txt'))).toBe('hello');
        expect(await store.stat('a.txt')).toMatchObject({ bytes: 5 });
        await store.close();
      },
    );
    expect(requests).toHaveLength(1);
    expect(new URL(requests[0]?.address ?? '').searchParams.get('scope')).toBe(
      'https://storage.azure.com/.default offline_access',
    );
    await withSignInDesk(
      desk((_request, cancel) => cancel()),
      async () => {
        const store = await open(person);
        await expect(store.prepare()).rejects.toMatchObject({ code: 'SIGN_IN_CANCELLED' });
        await store.close();
      },
    );
  });

  it('is told what is wrong: the secret, what is missing, the authority', async () => {
    const wrong = await open({ azure_client_secret: 'a-wrong-secret~2' });
    const error = await wrong.prepare().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'OBJECT_STORE_CREDENTIALS',
      hint: expect.stringContaining('service principal'),
    });
    expect(`${(error as Error).message} ${JSON.stringify(error)}`).not.toContain('a-wrong-secret');
    await wrong.close();
    await expect(open({ azure_tenant_id: undefined } as never)).rejects.toMatchObject({
      code: 'OBJECT_STORE_CREDENTIALS',
      message: expect.stringContaining('azure_tenant_id'),
    });
    const untrusted = await open({ ca_file: undefined, azure_storage_sas_token: 'sv=1&sig=x' } as never);
    await expect(untrusted.prepare()).rejects.toMatchObject({
      code: 'OBJECT_STORE_CERTIFICATE',
      hint: expect.stringContaining('ca_file'),
    });
    await untrusted.close();
    await expect(open({ ca_file: 'nowhere.pem' })).rejects.toMatchObject({ code: 'CA_FILE_UNUSABLE' });
  });
});
