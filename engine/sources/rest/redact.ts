import { MASK, Redactor as Secrets } from '../../secrets/redaction.ts';
import { isExactNumber } from './json.ts';
import { isObject } from './json-path.ts';

/** What stands where a secret stood. */
export const REDACTED = MASK;

// Page tokens and primary keys are no secrets: a preview without them would explain nothing.
const SENSITIVE_KEY =
  /authorization$|cookie$|^(key|token|auth|sig|signature|pwd|pass)$|api[-_.]?key|(access|refresh|id|bearer|auth|client|session|csrf|xsrf|security|private|subscription)[-_.]?(token|key|secret)|passw|secret|credential|signature$/i;

/** Removes the secrets of one connection from what people see: by key, by value in every form that it may be sent in, and by shape (a password in a URL, a signature in a link). */
export class Redactor {
  readonly #secrets = new Secrets();

  constructor(secrets: Iterable<string> = []) {
    for (const secret of secrets) this.add(secret);
  }

  /** A value learnt later, such as an access token. Values under 4 characters cannot be told from ordinary text and are left out. */
  add(secret: string): void {
    this.#secrets.add('', secret);
  }

  text(text: string): string {
    return this.#secrets.text(text);
  }

  headers(headers: Record<string, string>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, isSensitiveKey(name) ? REDACTED : this.text(value)]),
    );
  }

  url(url: string | URL): string {
    const copy = new URL(url);
    if (copy.password !== '') copy.password = REDACTED;
    for (const [name, value] of [...copy.searchParams]) {
      if (isSensitiveKey(name) && value !== '') copy.searchParams.set(name, REDACTED);
    }
    return this.text(copy.href);
  }

  /** A copy of a JSON body: values of sensitive keys and all known secrets are replaced. */
  body(value: unknown): unknown {
    return this.#copy(value, true);
  }

  /** A copy of records: they are the user's data, so only the connection's own secrets are replaced. */
  records(value: unknown): unknown {
    return this.#copy(value, false);
  }

  /** At most `length` characters of a response, on one line, without secrets (also those of a JSON text that is cut off). */
  excerpt(text: string, length = 300): string {
    const hidden = this.text(text).replace(
      /("([^"\\]{1,60})"\s*:\s*)"(?:[^"\\]|\\.)*"?/g,
      (whole, head: string, key: string) => (isSensitiveKey(key) ? `${head}"${REDACTED}"` : whole),
    );
    const flat = hidden.replace(/\s+/g, ' ').trim();
    return flat.length > length ? `${flat.slice(0, length)}…` : flat;
  }

  #copy(value: unknown, byKey: boolean): unknown {
    if (typeof value === 'string') return byKey ? this.text(value) : this.#secrets.values(value);
    if (Array.isArray(value)) return value.map((item) => this.#copy(item, byKey));
    if (isExactNumber(value)) return value.rawJSON;
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        byKey && isSensitiveKey(key) && typeof item === 'string' ? REDACTED : this.#copy(item, byKey),
      ]),
    );
  }
}

/** True for header, query and body keys that name a secret. */
export function isSensitiveKey(key: string): boolean {
  return SENSITIVE_KEY.test(key);
}
