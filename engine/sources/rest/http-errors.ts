import { IngestError } from '../../errors.ts';
import type { Redactor } from './redact.ts';

/** Explains a response that is not 2xx. The body is quoted without secrets. `paused` says that its headers ask to wait: a 403 then is a spent quota. */
export function httpError(
  response: { status: number; url: string; method: string; text: string },
  authType: string,
  redactor: Redactor,
  paused = false,
): IngestError {
  const isSpent = response.status === 403 && paused;
  const { code, hint } = explanation(isSpent ? 429 : response.status, authType);
  const excerpt = redactor.excerpt(response.text);
  const said = excerpt === '' ? '' : `: ${excerpt}`;
  return new IngestError(code, `${response.method} ${redactor.url(response.url)} answered ${response.status}${said}`, {
    hint,
    retryable: isSpent || isRetryableStatus(response.status),
  });
}

/** 408, 425, 429 and what a server or a gateway says when it is in trouble. */
export function isRetryableStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 505);
}

function explanation(status: number, authType: string): { code: string; hint: string } {
  switch (status) {
    case 400:
    case 422:
      return {
        code: 'API_BAD_REQUEST',
        hint: 'The API refuses the request as it is: check params, page_size and the body of this resource.',
      };
    case 401:
      return {
        code: 'API_UNAUTHORIZED',
        hint:
          authType === 'none'
            ? 'The API wants credentials: set auth_type and the secret of this connection.'
            : `Check the secret of this connection (auth_type ${authType}): it may be wrong, expired or meant for another environment.`,
      };
    case 403:
      return {
        code: 'API_FORBIDDEN',
        hint: 'The credentials are known but may not read this: ask for the permission or scope.',
      };
    case 404:
    case 410:
      return { code: 'API_NOT_FOUND', hint: 'Check api_endpoint and base_url: together they make this address.' };
    case 405:
      return {
        code: 'API_METHOD_NOT_ALLOWED',
        hint: "Set method to GET or POST in the resource's options, as the API documents it.",
      };
    case 407:
      return { code: 'API_PROXY', hint: PROXY_HINT };
    case 413:
    case 414:
      return {
        code: 'API_REQUEST_TOO_LARGE',
        hint: 'The request is too long: shorten params, or send them in a POST body.',
      };
    case 429:
      return { code: 'API_RATE_LIMITED', hint: 'Lower rate_limit of this connection, or run the job at another time.' };
    default:
      return status >= 500
        ? { code: 'API_SERVER_ERROR', hint: 'The API has a problem of its own: try again later, or ask its owner.' }
        : { code: 'API_HTTP_ERROR', hint: "Look the status up in the API's documentation." };
  }
}

const PROXY_HINT =
  'The proxy refuses: check its address, user and password (proxy of this connection, else HTTP_PROXY or HTTPS_PROXY), or name the host in NO_PROXY.';

const FATAL_CODES: Record<string, { code: string; says: string; hint: string }> = {
  ENOTFOUND: { code: 'API_HOST_UNKNOWN', says: 'no such host', hint: 'Check base_url, the network and the VPN.' },
  CERT_HAS_EXPIRED: {
    code: 'API_CERTIFICATE',
    says: "the server's certificate has expired",
    hint: "The API's owner must renew it.",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'API_CERTIFICATE',
    says: 'the certificate is for another host',
    hint: 'Check the host in base_url.',
  },
};

/** Names by which Node reports a certificate that it cannot trust. */
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT.*)|CERT_.*)$/;

/** Explains an error of the connection itself: no response came, or it broke off. `retryable` where the same request may succeed. */
export function connectionError(error: unknown, url: string, timeoutSeconds: number, redactor: Redactor): IngestError {
  const code = errorCode(error);
  const where = redactor.url(url);
  const tunnel = /^Proxy .*\((\d{3})\)/.exec(error instanceof Error ? error.message : '');
  if (tunnel)
    return new IngestError('API_PROXY', `${where}: the proxy answered ${tunnel[1]}.`, {
      hint: PROXY_HINT,
      cause: error,
    });
  const fatal = FATAL_CODES[code];
  if (fatal) return new IngestError(fatal.code, `${where}: ${fatal.says}.`, { hint: fatal.hint, cause: error });
  if (UNTRUSTED.test(code)) {
    return new IngestError('API_CERTIFICATE', `${where}: the server's certificate is not trusted (${code}).`, {
      hint: 'Where a company proxy or an own CA signs it, name its PEM file in ca_file of this connection.',
      cause: error,
    });
  }
  if (code.includes('TIMEOUT') || code === 'ETIMEDOUT' || (error as Error)?.name === 'TimeoutError') {
    return new IngestError('API_TIMEOUT', `${where}: no answer within ${timeoutSeconds} s.`, {
      hint: 'Raise timeout of this connection, or ask for smaller pages (page_size).',
      retryable: true,
      cause: error,
    });
  }
  if (/^(Z_|ERR_ZSTD|ERR_BROTLI|ERR__ERROR_FORMAT|ERR_PADDING|ZSTD_)/.test(code)) {
    return new IngestError('API_BODY_DAMAGED', `${where}: the compressed response is damaged (${code}).`, {
      hint: 'Set the header Accept-Encoding to identity to get it uncompressed.',
      retryable: true,
      cause: error,
    });
  }
  const detail =
    code === 'ECONNREFUSED'
      ? 'the connection was refused'
      : `the connection broke (${code || redactor.text((error as Error)?.message ?? '')})`;
  return new IngestError('API_CONNECTION', `${where}: ${detail}.`, {
    hint: 'Check that the host and port of base_url are reachable from this machine (VPN, firewall, proxy).',
    retryable: true,
    cause: error,
  });
}

/** The code of an error or of what caused it. */
export function errorCode(error: unknown): string {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const first = at instanceof AggregateError ? at.errors[0] : at;
    if (typeof (first as { code?: unknown }).code === 'string') return (first as { code: string }).code;
  }
  return '';
}
