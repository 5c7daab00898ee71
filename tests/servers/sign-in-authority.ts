import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { OAuth2Issuer, OAuth2Service } from 'oauth2-mock-server';
import { Agent, fetch, type Response } from 'undici';
import { makeCertificate } from '../helpers/certificate.ts';

/** Who signs in. */
export const PERSON = 'ada@example.com';

/** What an authority does with people: authorize and token endpoints, PKCE checked, refresh tokens that are good once. */
export interface PeopleService {
  handler: RequestListener;
  /** What browsers were sent with, oldest first. */
  asked: URLSearchParams[];
  /** Grants of the token endpoint, oldest first. */
  grants: string[];
  /** Access tokens that were given. */
  tokens: string[];
  refreshTokens: string[];
  /** May be changed at any time. */
  behaviour: {
    /** The person, or an administrator, says no. */
    denies?: boolean;
    refusesRefresh?: boolean;
    /** Seconds that tokens last; default an hour. */
    lifetime?: number;
  };
}

export async function peopleService(endpoints: { authorize: string; token: string }): Promise<PeopleService> {
  const issuer = new OAuth2Issuer();
  issuer.url = 'https://authority.example';
  await issuer.keys.generate('RS256');
  const service = new OAuth2Service(issuer, endpoints as never);
  const people: PeopleService = {
    handler: service.requestHandler as RequestListener,
    asked: [],
    grants: [],
    tokens: [],
    refreshTokens: [],
    behaviour: {},
  };
  const good = new Set<string>();
  service.on('beforeAuthorizeRedirect', (redirect, request) => {
    const query = new URL(request.url ?? '', 'https://authority.example').searchParams;
    people.asked.push(query);
    if (people.behaviour.denies !== true) return;
    redirect.url.searchParams.delete('code');
    redirect.url.searchParams.set('error', 'access_denied');
    redirect.url.searchParams.set('error_description', 'AADSTS65004: User declined to consent.\r\nTrace ID: 1');
  });
  service.on('beforeTokenSigning', (token) => {
    Object.assign(token.payload, { upn: PERSON, jti: `${Math.random()}` });
  });
  service.on('beforeResponse', (response, request) => {
    const form = (request as unknown as { body: Record<string, string> }).body;
    people.grants.push(form['grant_type'] ?? '');
    const body = response.body as Record<string, unknown>;
    const refuse = (error: string) => {
      response.statusCode = 400;
      response.body = { error, error_description: `AADSTS70000: ${error}` };
    };
    if (form['grant_type'] === 'refresh_token') {
      if (people.behaviour.refusesRefresh === true || !good.delete(form['refresh_token'] ?? '')) {
        refuse('invalid_grant');
        return;
      }
    } else if (form['redirect_uri'] !== people.asked.at(-1)?.get('redirect_uri') || !form['code_verifier']) {
      refuse('invalid_request');
      return;
    }
    // Without the scope openid there is none.
    delete body['id_token'];
    body['expires_in'] = people.behaviour.lifetime ?? 3600;
    good.add(String(body['refresh_token']));
    people.refreshTokens.push(String(body['refresh_token']));
    people.tokens.push(String(body['access_token']));
  });
  return people;
}

/** The same on a port of its own, over TLS. */
export async function startPeople(endpoints: { authorize: string; token: string }) {
  const company = makeCertificate({ name: 'Company CA' });
  const own = makeCertificate({ name: 'localhost', hosts: ['localhost'], issuer: company });
  const people = await peopleService(endpoints);
  const server = createServer({ key: own.key, cert: own.certificate }, people.handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...people,
    url: `https://localhost:${port}`,
    /** PEM of the authority to trust. */
    ca: company.certificate,
    /** For SQL Server beside it. */
    certificate: { key: own.key, cert: own.certificate },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A browser as far as signing in needs it: opens the page and goes where it is sent. */
export function browse(address: string, ca: string): Promise<Response> {
  return fetch(address, { dispatcher: new Agent({ connect: { ca } }) });
}
