import { IngestError, isIngestError, messageOf } from '../../errors.ts';

/** What happened, in words, with a way out. */
export interface Explanation {
  code: string;
  message: string;
  hint?: string;
  retryable?: boolean;
}

/** What failed, for the texts of its explanation. No secret is in it. */
export interface Failure {
  /** What was being done, e.g. `Reading dbo.Orders`. */
  doing: string;
  /** `host:port`, for people. */
  address: string;
  host: string;
  /** What the server, the driver or the socket said, in one line without a full stop. */
  said: string;
  /** errno of a socket, Node's code of a certificate, or ''. */
  code: string;
  /** `connect_timeout`. */
  connectSeconds: number;
}

/** A text, or one that says something of the failure. */
type Words<Of> = string | ((failure: Of) => string);

/** How errors with some numbers are explained. */
export interface ErrorRule<Of extends Failure = Failure> {
  /** The server's or driver's own numbers or codes. */
  on: readonly (number | string)[];
  code: string;
  /** Default: what was being done, and what was said. */
  message?: Words<Of>;
  hint: Words<Of>;
  retryable?: boolean;
}

const wordsOf = <Of>(words: Words<Of>, failure: Of) => (typeof words === 'string' ? words : words(failure));

/** The explanation of the first rule that knows the number; null: none does. */
export function explainByRule<Of extends Failure>(
  rules: readonly ErrorRule<Of>[],
  number: number | string | null | undefined,
  failure: Of,
): Explanation | null {
  const rule = rules.find(({ on }) => number != null && on.includes(number));
  if (rule === undefined) return null;
  const { code, message = ({ doing, said }) => `${doing}: ${said}.`, hint, retryable } = rule;
  return {
    code,
    message: wordsOf(message, failure),
    hint: wordsOf(hint, failure),
    ...(retryable === undefined ? {} : { retryable }),
  };
}

/** An IngestError of what the driver, the socket or the server threw; one that is explained already stays as it is. */
export function explained(error: unknown, explain: () => Explanation): IngestError {
  if (isIngestError(error)) return error;
  const { code, message, hint, retryable } = explain();
  return new IngestError(code, message, { hint, retryable, cause: error });
}

/** What an error says, in one line without a full stop. */
export function saidBy(error: unknown): string {
  return messageOf(error).replace(/\s+/g, ' ').trim().replace(/\.$/, '');
}

export const PASSES_BY = 'This passes by itself as a rule; the read is tried again.';

/** The server gave nothing for so long. */
export function queryTimeout(doing: string, seconds: number): IngestError {
  return new IngestError('QUERY_TIMEOUT', `${doing}: the server gave nothing for ${seconds} s.`, {
    hint: 'Raise query_timeout of the connection (up to 3600 s), or read less: columns, filter, INCREMENTAL; an index on the watermark column helps.',
  });
}

export function connectionLost({ doing, address, said }: Failure): Explanation {
  return {
    code: 'CONNECTION_LOST',
    message: `${doing}: the connection to ${address} was lost (${said}).`,
    hint: 'The server, a proxy, a firewall or the network ended it; the read is tried again.',
    retryable: true,
  };
}

/** The driver's own time limit for connecting. */
export function connectTimeout({ address, connectSeconds }: Failure): Explanation {
  return { ...UNREACHABLE, message: `${address} did not answer within ${connectSeconds} s.` };
}

export function passwordMissing({ address }: Failure): Explanation {
  return {
    code: 'LOGIN_FAILED',
    message: `${address} asks for a password, and the connection has none.`,
    hint: 'Set the password in the environment, the keychain or .dlt/secrets.toml.',
  };
}

const UNREACHABLE = {
  code: 'CONNECTION_TIMEOUT',
  hint: 'A firewall or a missing VPN is the usual cause; connect_timeout sets how long is waited.',
  retryable: true,
};

/** What a dialect says of what is the same everywhere: its own settings, and where to look. */
export interface NetworkHints {
  /** Nothing listens. */
  refused: string;
  /** Ways out where the certificate's host is another. */
  hostMismatch: string;
  /** Ways out where nobody trusts who signed it. */
  notTrusted: string;
  /** No TLS could be agreed upon. */
  tlsFailed: string;
}

/** errno of sockets, and what drivers that keep it to themselves write in their texts. */
const SOCKET_CODE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|ECONNABORTED)\b/;
const LOSS = /Connection (lost|terminated)|socket hang up|not queryable|before secure TLS|end of data/;

/** What sockets and TLS say, which is the same for every database; null: something else. */
export function explainNetwork(failure: Failure, hints: NetworkHints): Explanation | null {
  const { address, host, said, code } = failure;
  const text = `${code} ${said}`;
  const errno = SOCKET_CODE.exec(text)?.[1];
  switch (errno) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return hostNotFound(host, errno === 'EAI_AGAIN');
    case 'ECONNREFUSED':
      return {
        code: 'CONNECTION_REFUSED',
        message: `Nothing accepts connections at ${address}.`,
        hint: hints.refused,
        retryable: true,
      };
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { ...UNREACHABLE, message: `${address} cannot be reached (${errno}).` };
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return connectionLost(failure);
    default:
      break;
  }
  if (/timeout expired/.test(said)) return connectTimeout(failure);
  return explainTls(failure, hints) ?? (LOSS.test(said) ? connectionLost(failure) : null);
}

/** @param isPassing the name server gave no answer, which may be another the next time */
export function hostNotFound(host: string, isPassing = false): Explanation {
  return {
    code: 'HOST_NOT_FOUND',
    message: `The host "${host}" has no address.`,
    hint: 'Check host of the connection, and whether a VPN or another DNS server is needed.',
    retryable: isPassing,
  };
}

/** OpenSSL's and Node's codes for certificates (see "X509 certificate error codes" in Node's manual of tls), or Node's words for them. */
function explainTls({ address, said, code }: Failure, hints: NetworkHints): Explanation | null {
  if (/ALTNAME_INVALID/.test(code) || /does not match certificate/.test(said)) {
    return certificateOfOther(address, said, hints);
  }
  if (/HAS_EXPIRED|NOT_YET_VALID/.test(code) || /certificate (has expired|is not yet valid)/.test(said)) {
    return {
      code: 'CERTIFICATE_NOT_TRUSTED',
      message: `The certificate of ${address} has expired or is not valid yet.`,
      hint: "Renew it at the server, and check this machine's clock.",
    };
  }
  const isUntrusted =
    /SELF_SIGNED|UNABLE_TO|CERT_|ISSUER|INVALID_CA/.test(code) ||
    /self.signed certificate|unable to (get|verify) .*certificate/i.test(said);
  if (isUntrusted) {
    return {
      code: 'CERTIFICATE_NOT_TRUSTED',
      message: `The certificate of ${address} is not signed by an authority that is trusted here (${code === '' ? said : code}).`,
      hint: hints.notTrusted,
    };
  }
  const isHandshake = /^(ERR_(SSL|TLS|OSSL)|EPROTO)/.test(code) || /wrong version number|SSL routines/.test(said);
  return isHandshake ? tlsFailed(address, said, hints) : null;
}

export function certificateOfOther(address: string, said: string, { hostMismatch }: NetworkHints): Explanation {
  return {
    code: 'CERTIFICATE_HOST_MISMATCH',
    message: `The certificate of ${address} is for another host: ${said.replace(/^.*?cert's/, "cert's")}.`,
    hint: hostMismatch,
  };
}

export function tlsFailed(address: string, said: string, { tlsFailed: hint }: NetworkHints): Explanation {
  return { code: 'TLS_FAILED', message: `TLS with ${address} failed: ${said}.`, hint };
}
