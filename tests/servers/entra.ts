import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OAuth2Server } from 'oauth2-mock-server';
import { type Authority, makeCertificate } from '../helpers/certificate.ts';

export const TENANT = '11111111-1111-1111-1111-111111111111';
export const CLIENT = '22222222-2222-2222-2222-222222222222';
export const CLIENT_SECRET = 'the-right-secret~1';

/** Entra ID as far as a service principal and a person need it, over TLS that a company's own authority signs. */
export interface EntraServer {
  /** For AZURE_AUTHORITY_HOST. */
  authority: string;
  port: number;
  /** PEM of the authority that signs it. */
  company: string;
  /** The certificate's, PEM files in `folder`: `company.pem`, and `server.pem`, `server.key` for localhost. */
  certificate: Authority;
  /** Tokens that were given, and the scope that each was asked for with. */
  tokens: Map<string, string>;
  close(): Promise<void>;
}

export async function startEntra(folder: string): Promise<EntraServer> {
  const company = makeCertificate({ name: 'Company CA' });
  const certificate = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: company });
  const [cert, key] = [join(folder, 'server.pem'), join(folder, 'server.key')];
  await writeFile(join(folder, 'company.pem'), company.certificate);
  await writeFile(cert, certificate.certificate);
  await writeFile(key, certificate.key);
  const endpoints = {
    authorize: `/${TENANT}/oauth2/v2.0/authorize`,
    token: `/${TENANT}/oauth2/v2.0/token`,
    wellKnownDocument: `/${TENANT}/v2.0/.well-known/openid-configuration`,
  };
  const server = new OAuth2Server(key, cert, { endpoints: endpoints as never });
  await server.issuer.keys.generate('RS256');
  await server.start(undefined, '127.0.0.1');
  const { port } = server.address();
  const authority = `https://localhost:${port}`;
  server.issuer.url = authority;
  const tokens = new Map<string, string>();
  let personScope = '';
  server.service.on('beforeAuthorizeRedirect', (_redirect, request) => {
    personScope = new URL(request.url ?? '', authority).searchParams.get('scope') ?? '';
  });
  server.service.on('beforeResponse', (response, request) => {
    const form = (request as unknown as { body: Record<string, string> }).body;
    const { client_secret: secret, grant_type: grant, scope = personScope } = form;
    const isPerson = grant === 'authorization_code';
    // Without the scope openid there is none.
    if (isPerson) delete (response.body as Record<string, unknown>)['id_token'];
    if (secret !== CLIENT_SECRET && !isPerson) {
      response.statusCode = 401;
      response.body = { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret provided.' };
      return;
    }
    tokens.set((response.body as Record<string, string>)['access_token'] ?? '', scope);
  });
  return { authority, port, company: company.certificate, certificate, tokens, close: () => server.stop() };
}
