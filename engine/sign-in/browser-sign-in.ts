import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:https';
import * as oauth from 'oauth4webapi';
import { z } from 'zod';
import { cancelled, IngestError, isIngestError, messageOf, throwIfCancelled } from '../errors.ts';
import { agentFetch } from './agent-fetch.ts';
import type { SignInAuthority } from './authority.ts';
import { keptSignInPath } from './kept-sign-in.ts';
import { openLoopback } from './loopback.ts';
import { personOf } from './person.ts';
import {
  currentSignInDesk,
  type SignedIn,
  type SignInDesk,
  type SignInPlace,
  type SignInSession,
} from './sign-in-desk.ts';

/** Somebody has so many milliseconds to sign in. */
const PATIENCE = 5 * 60_000;
/** A token is renewed so long before it ends, or after half of its time where that is sooner. */
const EARLY_MILLISECONDS = 5 * 60_000;
/** Of a token that does not say how long it lasts. */
const LIFETIME_SECONDS = 600;

export interface BrowserSignInOptions extends SignInPlace {
  authority: SignInAuthority;
  /** How the authority is reached. */
  agent: Agent;
  /** Default: that of the work at hand. */
  desk?: SignInDesk | null;
  /** Milliseconds for the person; default five minutes. */
  patience?: number;
}

/** What is kept in the keychain: a refresh token goes only to the authority and client that it came from, for the account that was asked for. */
const keptModel = z.object({
  issuer: z.string(),
  client: z.string(),
  user: z.string().nullable(),
  refresh_token: z.string(),
});

/**
 * Signs a person in with their browser (authorization code with PKCE, RFC 8252), and keeps them signed in: what it gives back gives a token, the one
 * that there is, a renewed one, or one of a new sign-in. Everybody who asks meanwhile waits for the same sign-in; it ends when nobody waits any more.
 * @throws IngestError SIGN_IN_NEEDED, SIGN_IN_REFUSED, SIGN_IN_CANCELLED, SIGN_IN_TIMED_OUT, SIGN_IN_PORT_TAKEN, SIGN_IN_UNREACHABLE, CANCELLED
 */
export function openBrowserSignIn(options: BrowserSignInOptions): (signal: AbortSignal) => Promise<SignedIn> {
  const { section, name, authority } = options;
  const desk = options.desk === undefined ? currentSignInDesk() : options.desk;
  if (desk === null) return () => Promise.reject(nobodyHere(options));
  const session = desk.sessions.get(
    JSON.stringify([
      desk.project,
      section,
      name,
      authority.issuer,
      authority.clientId,
      authority.scope,
      authority.loginHint,
    ]),
  );
  return async (signal) => {
    // Whoever was cancelled still has to clean up after themselves: a token that is there is given.
    if (session.signedIn !== null && session.signedIn.ends > Date.now()) return session.signedIn;
    throwIfCancelled(signal);
    session.flight ??= takeOff(session, (stop) => new SignIn(options, desk, session, stop).run());
    return await join(session, session.flight, signal);
  };
}

type Flight = NonNullable<SignInSession['flight']>;

function takeOff(session: SignInSession, work: (stop: AbortSignal) => Promise<SignedIn>): Flight {
  const stop = new AbortController();
  const flight = { result: work(stop.signal), waiting: 0, stop };
  const land = () => {
    if (session.flight === flight) session.flight = null;
  };
  flight.result.then((signedIn) => {
    session.signedIn = signedIn;
    land();
  }, land);
  return flight;
}

/** One that is cancelled leaves the others waiting. */
async function join(session: SignInSession, flight: Flight, signal: AbortSignal): Promise<SignedIn> {
  const left = Promise.withResolvers<never>();
  const leave = () => left.reject(cancelled(signal));
  signal.addEventListener('abort', leave, { once: true });
  flight.waiting += 1;
  try {
    return await Promise.race([flight.result, left.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
    flight.waiting -= 1;
    if (flight.waiting === 0) {
      flight.stop.abort();
      // Whoever comes now starts anew.
      if (session.flight === flight) session.flight = null;
    }
  }
}

/** One sign-in: with what was kept, else with a person. */
class SignIn {
  readonly #options: BrowserSignInOptions;
  readonly #desk: SignInDesk;
  readonly #session: SignInSession;
  readonly #stop: AbortSignal;
  readonly #server: oauth.AuthorizationServer;
  readonly #client: oauth.Client;

  constructor(options: BrowserSignInOptions, desk: SignInDesk, session: SignInSession, stop: AbortSignal) {
    this.#options = options;
    this.#desk = desk;
    this.#session = session;
    this.#stop = stop;
    const { issuer, authorizationEndpoint, tokenEndpoint, clientId } = options.authority;
    this.#server = { issuer, authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint };
    this.#client = { client_id: clientId };
  }

  async run(): Promise<SignedIn> {
    return (await this.#renew()) ?? (await this.#ask());
  }

  /** With the refresh token; null where there is none, or it is good no more. */
  async #renew(): Promise<SignedIn | null> {
    // Another process may have renewed it meanwhile: what is kept is asked first.
    const refreshToken = (await this.#kept()) ?? this.#session.refreshToken;
    if (refreshToken === null) return null;
    this.#desk.sessions.learn(this.#path.join('.'), refreshToken);
    try {
      const answer = await oauth.refreshTokenGrantRequest(this.#server, this.#client, oauth.None(), refreshToken, {
        ...this.#request(),
        additionalParameters: { scope: this.#options.authority.scope },
      });
      const tokens = await oauth.processRefreshTokenResponse(this.#server, this.#client, answer);
      return await this.#take(tokens, refreshToken);
    } catch (error) {
      if (!(error instanceof oauth.ResponseBodyError) || error.status >= 500 || error.status === 429) {
        throw this.#explained(error);
      }
      this.#session.refreshToken = null;
      await this.#keep(null);
      return null;
    }
  }

  /** A person signs in. */
  async #ask(): Promise<SignedIn> {
    const { authority, section, name, patience = PATIENCE } = this.#options;
    const { ask } = this.#desk;
    if (ask === null) throw nobodyHere(this.#options);
    const loopback = await openLoopback(authority.ports);
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
    const given = new AbortController();
    const timer = setTimeout(() => given.abort(this.#failure('timedOut', 'nobody did it in time')), patience);
    const signal = AbortSignal.any([this.#stop, given.signal]);
    let done = () => {};
    try {
      const address = new URL(authority.authorizationEndpoint);
      address.search = new URLSearchParams({
        client_id: authority.clientId,
        response_type: 'code',
        redirect_uri: loopback.redirectUri,
        scope: authority.scope,
        state,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...authority.parameters,
      }).toString();
      const back = loopback.returned(state, signal);
      // Cancelled while the question is put: the wait below says it.
      back.catch(() => undefined);
      const { service, loginHint: user } = authority;
      const ends_at = new Date(Date.now() + patience).toISOString();
      done = ask({ id: randomUUID(), section, name, service, user, address: address.href, ends_at }, () =>
        given.abort(this.#failure('cancelled', 'it was cancelled')),
      );
      const { parameters, answer } = await back;
      try {
        const valid = oauth.validateAuthResponse(this.#server, this.#client, parameters, state);
        const response = await oauth.authorizationCodeGrantRequest(
          this.#server,
          this.#client,
          oauth.None(),
          valid,
          loopback.redirectUri,
          verifier,
          this.#request(signal),
        );
        const tokens = await oauth.processAuthorizationCodeResponse(this.#server, this.#client, response);
        const signedIn = await this.#take(tokens, null);
        const who = signedIn.person === null ? '' : ` as ${signedIn.person}`;
        answer({ ok: true, title: `You are signed in${who}`, text: 'You can close this window.' });
        return signedIn;
      } catch (error) {
        const failure = this.#explained(signal.aborted ? signal.reason : error);
        answer({ ok: false, title: 'You are not signed in', text: `${failure.message} You can close this window.` });
        throw failure;
      }
    } catch (error) {
      throwIfCancelled(this.#stop);
      throw this.#explained(error);
    } finally {
      clearTimeout(timer);
      done();
      await loopback.close();
    }
  }

  #request(signal: AbortSignal = this.#stop) {
    return { signal, [oauth.customFetch]: agentFetch(this.#options.agent) };
  }

  /** @param before the refresh token that stays good where no new one is given */
  async #take(tokens: oauth.TokenEndpointResponse, before: string | null): Promise<SignedIn> {
    const { access_token: token, expires_in: seconds = LIFETIME_SECONDS, refresh_token: renewed = before } = tokens;
    const path = this.#path.join('.');
    this.#desk.sessions.learn(path, token);
    if (renewed !== null && renewed !== before) {
      this.#desk.sessions.learn(path, renewed);
      this.#session.refreshToken = (await this.#keep(renewed)) ? null : renewed;
    }
    const lasts = seconds * 1000;
    const ends = Date.now() + Math.max(lasts / 2, lasts - EARLY_MILLISECONDS);
    return { token, ends, person: personOf(token) };
  }

  get #path(): string[] {
    return keptSignInPath(this.#options);
  }

  async #kept(): Promise<string | null> {
    const { issuer, clientId, loginHint } = this.#options.authority;
    try {
      const text = await this.#desk.store.get(this.#desk.project, this.#path);
      const kept = text === null ? null : keptModel.parse(JSON.parse(text));
      const isOurs = kept?.issuer === issuer && kept.client === clientId && kept.user === loginHint;
      return isOurs ? kept.refresh_token : null;
    } catch {
      // Without a keychain people sign in once a start.
      return null;
    }
  }

  async #keep(refreshToken: string | null): Promise<boolean> {
    const { issuer, clientId: client, loginHint: user } = this.#options.authority;
    const value = refreshToken === null ? null : JSON.stringify({ issuer, client, user, refresh_token: refreshToken });
    try {
      await this.#desk.store.set(this.#desk.project, [{ path: this.#path, value }]);
      return true;
    } catch {
      return false;
    }
  }

  #explained(error: unknown): IngestError {
    if (isIngestError(error)) return error;
    const { service } = this.#options.authority;
    if (error instanceof oauth.AuthorizationResponseError || error instanceof oauth.ResponseBodyError) {
      const told = firstLine(error.error_description ?? error.error);
      return this.#failure('refused', `${service} refused it: ${told}`, { cause: error });
    }
    const failed = error as { code?: string; cause?: unknown };
    if (error instanceof oauth.OperationProcessingError || error instanceof oauth.UnsupportedOperationError) {
      return this.#failure('refused', `${service} answered what cannot be used (${failed.code})`);
    }
    return this.#failure('unreachable', `${service} cannot be reached: ${firstLine(messageOf(error))}`, {
      retryable: true,
      cause: error,
    });
  }

  #failure(
    how: keyof typeof FAILURES,
    why: string,
    options: { retryable?: boolean; cause?: unknown } = {},
  ): IngestError {
    const { code, hint } = FAILURES[how];
    const { host } = new URL(this.#options.authority.tokenEndpoint);
    const way = how === 'unreachable' ? hint.replace('its host', host) : hint;
    return new IngestError(code, `${this.#options.name} was not signed in: ${why}.`, { hint: way, ...options });
  }
}

const FAILURES = {
  timedOut: {
    code: 'SIGN_IN_TIMED_OUT',
    says: '… was not signed in: nobody did it in time.',
    hint: 'Start it again, and finish the sign-in in the browser within five minutes.',
  },
  cancelled: {
    code: 'SIGN_IN_CANCELLED',
    says: '… was not signed in: it was cancelled.',
    hint: 'Start it again to sign in.',
  },
  refused: {
    code: 'SIGN_IN_REFUSED',
    says: '… was not signed in: … refused it: …',
    hint: 'Sign in with an account that has access. Where the organisation must consent first, ask its administrator, or set client_id to an application of its own.',
  },
  unreachable: {
    code: 'SIGN_IN_UNREACHABLE',
    says: '… was not signed in: … cannot be reached: …',
    hint: 'Check that its host can be reached from here, and the proxy.',
  },
} as const;

function nobodyHere({ name, authority }: BrowserSignInOptions): IngestError {
  return new IngestError('SIGN_IN_NEEDED', `${name} signs a person in with the browser, and nobody is here to do it.`, {
    hint: `Sign in once on this computer (test the connection in the window, or \`ingest test ${name}\` in a terminal); where no person is, as in CI, use ${authority.unattended}.`,
  });
}

/** What follows is a trace id and the time. */
function firstLine(text: string): string {
  return (text.split(/[\r\n]/)[0] ?? '').trim().replace(/\.$/, '').slice(0, 300);
}
