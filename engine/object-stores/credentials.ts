import type { Agent as HttpAgent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import type { Proxies } from '../network/proxies.ts';
import type { SignInPlace } from '../sign-in/sign-in-desk.ts';
import type { FilesystemConnection } from '../spec/connection.ts';

/** What a filesystem connection or destination says besides its place; only the keys of the place's own cloud are looked at. */
export type StoreCredentials = Partial<Omit<FilesystemConnection, 'type' | 'name' | 'bucket_url'>>;

/** How the services are reached. */
export interface StoreNetwork {
  httpAgent: HttpAgent;
  httpsAgent: HttpsAgent;
  /** Which way an address is reached. */
  choose: Proxies['choose'];
  /** Where the clouds' own variables are looked up. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Whose sign-in in the browser it is, where there is one. */
  place: SignInPlace;
}
