import { cancelled, IngestError, isIngestError, messageOf } from '../../errors.ts';
import { proxyErrorOf } from '../../network/proxies.ts';

/** What errors of the driver and of the HTTP client beneath it carry; none of their classes is exported. */
interface DriverError {
  name?: string;
  code?: unknown;
  errorCode?: unknown;
  statusCode?: number;
  response?: {
    headers?: { get?(name: string): string | null };
    errorMessage?: string;
    displayMessage?: string;
    sqlState?: string;
  };
}

interface Cause {
  pattern: RegExp;
  code: string;
  hint: string;
  retryable?: boolean;
}

/** What Databricks says in `[ERROR_CLASS] … SQLSTATE: …`, and the way out. */
const CAUSES: Cause[] = [
  {
    pattern: /Invalid SessionHandle|SESSION_(?:NOT_FOUND|CLOSED|EXPIRED)|INVALID_HANDLE/i,
    code: 'DATABRICKS_SESSION_LOST',
    hint: 'The warehouse ended the session; run again.',
    retryable: true,
  },
  {
    pattern:
      /DELTA_CONCURRENT|Concurrent(?:Append|DeleteRead|DeleteDelete|Transaction|Write)Exception|DELTA_METADATA_CHANGED|METADATA_CHANGED|DELTA_PROTOCOL_CHANGED|DELTA_TABLE_CHANGED/,
    code: 'DATABRICKS_CONFLICT',
    hint: 'Something else changes this table at the same time; run again when it is done.',
    retryable: true,
  },
  {
    pattern:
      /CLOUD_STORAGE_ACCESS_DENIED|AuthenticationFailed|AuthorizationFailure|AuthorizationPermissionMismatch|Signature not valid|is not authorized to perform this operation|CLOUD_FILE_SOURCE|UNAUTHORIZED_ACCESS|AbfsRestOperationException|AccessDenied/i,
    code: 'STAGING_FORBIDDEN',
    hint: 'The warehouse may not read the staging location: check the SAS token (not expired; read and list), the staging_credential, or the external location and READ FILES on it.',
  },
  {
    pattern:
      /PERMISSION_DENIED|INSUFFICIENT_PERMISSIONS|INSUFFICIENT_PRIVILEGES|does not have (?:permission|privilege)|SQLSTATE: 42501/i,
    code: 'DESTINATION_FORBIDDEN',
    hint: 'Ask for USE CATALOG, USE SCHEMA, CREATE TABLE, SELECT and MODIFY on the schema (and CREATE SCHEMA on the catalog where it is new).',
  },
  {
    pattern: /NO_SUCH_CATALOG|CATALOG_NOT_FOUND/,
    code: 'DESTINATION_NOT_FOUND',
    hint: 'Check `catalog` of the destination: it must be there already, in Unity Catalog (hive_metastore has no information_schema).',
  },
  {
    pattern: /TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND|DELTA_TABLE_NOT_FOUND/,
    code: 'DESTINATION_NOT_FOUND',
    hint: 'Run again; if it was dropped or renamed by hand, load with --full-refresh.',
  },
  {
    pattern:
      /CAST_OVERFLOW|CAST_INVALID_INPUT|NUMERIC_VALUE_OUT_OF_RANGE|DELTA_CAST_OVERFLOW_IN_TABLE_WRITE|DELTA_NOT_NULL_CONSTRAINT_VIOLATED|DELTA_VIOLATE_CONSTRAINT/,
    code: 'VALUE_DOES_NOT_FIT',
    hint: 'Choose a type that holds every value in column_types, or change the column in Databricks. `ingest preflight` shows both sides.',
  },
  {
    pattern:
      /DELTA_FAILED_TO_MERGE_FIELDS|DATATYPE_MISMATCH|CANNOT_SAFELY_CAST|DELTA_MERGE_INCOMPATIBLE|DELTA_METADATA_MISMATCH|DELTA_UNSUPPORTED_ALTER_TABLE|DELTA_UNSUPPORTED_COLUMN_TYPE|NOT_SUPPORTED_CHANGE_COLUMN/,
    code: 'SCHEMA_CHANGE_UNSAFE',
    hint: 'Keep the old type with column_types, name another target_table, or load anew with --full-refresh. `ingest preflight` shows both sides.',
  },
  {
    pattern: /DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE/,
    code: 'MERGE_KEY_NOT_UNIQUE',
    hint: 'The target holds several rows with the same primary key: remove the repeated ones, or choose a primary_key that is unique.',
  },
];

const CERTIFICATE = /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT)/;

/** What went wrong at the warehouse, with the way out. `host` names it; `hide` takes secrets out of texts. */
export function describeWarehouseError(
  error: unknown,
  host: string,
  hide: (text: string) => string,
  signal: AbortSignal,
): IngestError {
  if (signal.aborted) return cancelled(signal);
  if (isIngestError(error)) return error;
  // some errors of the driver are no Error objects
  const { code, statusCode, response, errorCode } = error as DriverError;
  const text = hide(response?.displayMessage ?? response?.errorMessage ?? (error as Error).message ?? messageOf(error));
  if (statusCode !== undefined) return httpError(statusCode, host, hide, error as DriverError);
  const proxyError = proxyErrorOf(String(code), text);
  if (proxyError) return proxyError;
  if (typeof code === 'string') {
    if (CERTIFICATE.test(code)) {
      return new IngestError('DATABRICKS_CERTIFICATE', `${host} showed a certificate that is not trusted (${code}).`, {
        hint: "Set ca_file to your organisation's root certificate, or add it to the system's store.",
      });
    }
    return new IngestError('DATABRICKS_UNREACHABLE', `${host} cannot be reached (${code}).`, {
      hint: 'Check server_hostname, the network and the proxy.',
      retryable: true,
    });
  }
  for (const cause of CAUSES) {
    if (!cause.pattern.test(text)) continue;
    const { hint, retryable = false } = cause;
    return new IngestError(cause.code, `${host}: ${shortened(text)}`, { hint, retryable });
  }
  if (/socket hang up|premature close|Request timed out|ECONN|other side closed|Max retry count/i.test(text)) {
    return new IngestError('DATABRICKS_UNREACHABLE', `The connection to ${host} was lost: ${shortened(text)}`, {
      hint: 'Check the network and the proxy.',
      retryable: true,
    });
  }
  if (errorCode === 'CANCELED' || errorCode === 'CLOSED') {
    return new IngestError('DESTINATION_CANCELLED', `A statement was cancelled in Databricks (${host}).`, {
      hint: 'Somebody, or a limit of the warehouse (STATEMENT_TIMEOUT), ended it. Run again.',
    });
  }
  return new IngestError('DESTINATION_FAILED', `${host}: ${shortened(text)}`, {
    hint: 'The statement is in the query history of the warehouse. Nothing is lost: run again once the cause is gone.',
  });
}

function httpError(status: number, host: string, hide: (text: string) => string, error: DriverError): IngestError {
  const header = (name: string) => error.response?.headers?.get?.(name) ?? null;
  const reason = header('x-thriftserver-error-message') ?? header('x-databricks-reason-phrase');
  const why = reason === null ? '' : `: ${hide(reason).slice(0, 300).replace(/\.+$/, '')}`;
  if (status === 401 || status === 403) {
    return new IngestError('DATABRICKS_SIGN_IN', `${host} refused the sign-in (${status})${why}.`, {
      hint: 'Check access_token (not expired, of this workspace), or client_id and client_secret; and CAN USE on the warehouse.',
    });
  }
  if (status === 404 || status === 400) {
    return new IngestError('DATABRICKS_HTTP_PATH', `${host} has nothing at http_path (${status})${why}.`, {
      hint: 'Copy http_path from the warehouse, Connection details: /sql/1.0/warehouses/….',
    });
  }
  const busy = status === 429 || status === 503;
  const cause = { retryAfter: header('retry-after') };
  return new IngestError(
    busy ? 'DATABRICKS_BUSY' : 'DATABRICKS_UNREACHABLE',
    busy ? `The warehouse at ${host} is starting or busy (${status})${why}.` : `${host} answered ${status}${why}.`,
    {
      hint: busy
        ? 'A stopped warehouse takes some minutes to start. Run again, or start it in Databricks first.'
        : 'Run again in a while.',
      retryable: busy || status >= 500,
      cause,
    },
  );
}

/** Milliseconds that the other side asked to wait (`Retry-After` in seconds or as a date); 0 for none. */
export function askedWait(error: unknown): number {
  const asked = (error as { cause?: { retryAfter?: unknown } }).cause?.retryAfter;
  if (typeof asked !== 'string') return 0;
  const seconds = Number(asked);
  const wait = Number.isNaN(seconds) ? Date.parse(asked) - Date.now() : seconds * 1000;
  return Number.isNaN(wait) ? 0 : Math.max(0, wait);
}

/** Databricks adds the plan or a stack to some messages. */
function shortened(text: string): string {
  const [first = ''] = text.split(/\n\s*(?:at |== |\*\*|JVM stacktrace)/);
  return first.length > 600 ? `${first.slice(0, 600)}…` : first.trim();
}
