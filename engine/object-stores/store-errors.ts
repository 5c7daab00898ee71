import { IngestError, isIngestError } from '../errors.ts';
import { proxyErrorOf } from '../network/proxies.ts';
import type { CloudFailure } from './cloud-client.ts';
import type { ObjectStore } from './object-store.ts';

/** Codes of networks that may work in a moment. */
const PASSING = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'ERR_STREAM_PREMATURE_CLOSE',
  'UND_ERR_SOCKET',
  'TimeoutError',
  'REQUEST_SEND_ERROR',
  'IncompleteBody',
]);
const BUSY = new Set([
  'SlowDown',
  'ServerBusy',
  'Throttling',
  'ThrottlingException',
  'RequestTimeout',
  'OperationTimedOut',
  'InternalError',
  'rateLimitExceeded',
]);
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|ERR_TLS/;

interface Place {
  kind: ObjectStore['kind'];
  location: string;
}

/** What a service's failure means, with the way out. `doing` is a phrase such as `writing raw/orders/1.parquet`; secrets are already out of `failure`. */
export function explainFailure(failure: CloudFailure, { kind, location }: Place, doing: string): IngestError {
  const { status, code, message } = failure;
  const error = (code: string, message: string, hint: string, retryable = false) =>
    new IngestError(code, `${location}: ${message}, seen while ${doing}.${said(failure)}`, { hint, retryable });
  const proxyError = proxyErrorOf(code, message);
  if (proxyError) return proxyError;
  if (code === 'ENOTFOUND')
    return error(
      'OBJECT_STORE_NOT_FOUND',
      'there is no such host',
      `Check ${ACCOUNT[kind]} and the network's name service (DNS).`,
      false,
    );
  if (CERTIFICATE.test(code) || (/certificate/i.test(message) && status === null))
    return error(
      'OBJECT_STORE_CERTIFICATE',
      "the server's certificate is not trusted",
      'Name the authority that signed it in ca_file, or have it added to this computer.',
    );
  if (/RequestTimeTooSkewed/.test(code) || /time.{0,12}skewed|difference between the request time/i.test(message))
    return error(
      'OBJECT_STORE_CLOCK',
      "this computer's clock differs too much from the service's",
      'Set the clock (time synchronisation), then run again.',
    );
  if (status === 429 || BUSY.has(code) || (status !== null && status >= 500))
    return error(
      'OBJECT_STORE_BUSY',
      'the service is busy or has a fault',
      'Run again later; fewer jobs at the same time send fewer requests.',
      true,
    );
  if (status === null && (PASSING.has(code) || /socket hang up|network|timed? ?out|aborted|premature/i.test(message)))
    return error(
      'OBJECT_STORE_UNREACHABLE',
      'the service cannot be reached',
      'Check the network, the proxy and the address.',
      true,
    );
  if (
    /ContainerNotFound|NoSuchBucket|InvalidBucketName|ContainerBeingDeleted/.test(code) ||
    /specified (?:bucket|container) does not exist|bucket name/i.test(message)
  )
    return error(
      'OBJECT_STORE_NOT_FOUND',
      `there is no such ${kind === 'azure' ? 'container' : 'bucket'}`,
      'Check bucket_url, or have it created: this program makes folders below it, not the place itself.',
    );
  if (/expired|Signature not valid in the specified time frame|ExpiredToken|TokenExpired/i.test(`${code} ${message}`))
    return error(
      'OBJECT_STORE_CREDENTIALS',
      kind === 'azure' ? 'the SAS token has expired or is not valid yet' : 'the credentials have expired',
      'Have a new one issued, enter it, and run again.',
    );
  if (
    /PermissionMismatch|AuthorizationFailure|InsufficientAccountPermissions|AccessDenied|forbidden/i.test(code) ||
    (status === 403 && !/AuthenticationFailed|SignatureDoesNotMatch|InvalidAccessKeyId/i.test(code))
  )
    return error('OBJECT_STORE_FORBIDDEN', 'the credentials are known but may not do this', RIGHTS[kind]);
  if (
    status === 401 ||
    status === 403 ||
    /credential|invalid_(?:client|grant)|AuthenticationFailed|SignatureDoesNotMatch|InvalidAccessKeyId|AADSTS|AuthenticationError|CredentialsProviderError/i.test(
      `${code} ${message}`,
    )
  )
    return error('OBJECT_STORE_CREDENTIALS', 'the credentials are not accepted', SIGN_IN[kind]);
  if (/AuthorizationHeaderMalformed|PermanentRedirect|IllegalLocationConstraint/.test(code) || status === 301)
    return error('OBJECT_STORE_REGION', 'the bucket lies in another region', "Set region_name to the bucket's region.");
  return error('OBJECT_STORE_FAILED', 'the service refused', 'See what it said; run again when that is settled.');
}

/** The service's own words, where there are any. */
function said({ status, code, message }: CloudFailure): string {
  const parts = [status === null ? '' : `HTTP ${status}`, code].filter(
    (part) => part !== '' && part !== String(status),
  );
  const words = message.length > 400 ? `${message.slice(0, 400)}…` : message;
  return ` (${[...parts, words].filter((part) => part !== '').join(', ')})`;
}

const ACCOUNT: Record<ObjectStore['kind'], string> = {
  azure: "the storage account's name",
  s3: 'endpoint_url and region_name',
  gcs: 'endpoint_url',
  local: 'the path',
};
const RIGHTS: Record<ObjectStore['kind'], string> = {
  azure:
    'A SAS token needs read, list, and for a destination write, create and delete (racwdl); a principal the role Storage Blob Data Contributor (to read only: Reader). A firewall of the account answers the same.',
  s3: 'The policy must allow s3:ListBucket and s3:GetObject, and for a destination s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload.',
  gcs: 'The account needs the role Storage Object User (to read only: Storage Object Viewer) on the bucket.',
  local: 'Give the user that runs the job the rights.',
};
const SIGN_IN: Record<ObjectStore['kind'], string> = {
  azure:
    'Check the account name and the key, SAS token or service principal. Without any, the environment, a managed identity or the Azure CLI (az login) must give one.',
  s3: 'Check aws_access_key_id and aws_secret_access_key, or profile_name. Without any, the environment, the shared config or the role of the machine must give them.',
  gcs: 'Check client_email and private_key, or GOOGLE_APPLICATION_CREDENTIALS. Without any: gcloud auth application-default login.',
  local: '',
};

/** True where the object itself is another one or gone: the same call cannot succeed, but one that begins with a new listing may. */
export function isObjectGone(error: unknown): boolean {
  return isIngestError(error) && (error.code === 'OBJECT_NOT_FOUND' || error.code === 'OBJECT_CHANGED');
}

/** Of {@link ObjectStore.read}. */
export function objectNotFound(location: string, key: string): IngestError {
  return new IngestError('OBJECT_NOT_FOUND', `There is no object ${key} in ${location}.`, {
    hint: 'Somebody removed it. Run again.',
    retryable: true,
  });
}

/** Of {@link ObjectStore.read} with an etag. */
export function objectChanged(location: string, key: string): IngestError {
  return new IngestError('OBJECT_CHANGED', `The object ${key} in ${location} changed while it was read.`, {
    hint: 'Run again when whatever writes it has finished.',
    retryable: true,
  });
}

/** Of {@link ObjectStore.write}. */
export function copyIncomplete(place: string, written: number, bytes: number): IngestError {
  return new IngestError('COPY_INCOMPLETE', `${place} came out with ${written} bytes instead of ${bytes}.`, {
    hint: 'Something changed the file while it was copied, or the disk is failing. Run again.',
    retryable: true,
  });
}
