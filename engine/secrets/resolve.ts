import { isIngestError } from '../errors.ts';
import type { Finding } from '../spec/finding.ts';
import type { Table } from '../spec/project.ts';
import { pathText, type SecretProvider } from './provider.ts';
import { isSecretFromSecretPlace, isSecretValue } from './secret-values.ts';
import { setAt } from './table.ts';

/** Where a value came from; never the value. `ingest secrets explain` prints these. */
export interface Origin {
  /** `sources.shop.password` */
  path: string;
  /** The provider's name, e.g. `environment`. */
  origin: string;
  /** The exact place, e.g. `SOURCES__SHOP__PASSWORD`. */
  place: string;
  secret: boolean;
  /** True where the place has it but cannot be asked now. */
  deferred: boolean;
  /** Places that have the key too and were overruled. */
  overruled: string[];
}

export interface ResolvedConfig {
  /** Everything laid over each other. */
  config: Table;
  origins: Origin[];
  /** Paths whose values may not be shown: secrets by their name, and what came from a place for secrets unless a model knows it to be plain. */
  secretPaths: Set<string>;
  deferredPaths: Set<string>;
  /** Values to redact, with the path that names them. */
  secrets: { path: string; value: string }[];
  findings: Finding[];
}

export interface ResolveOptions {
  /** In the order of precedence; the last is the configuration itself. */
  providers: readonly SecretProvider[];
  /** Names of the providers that are places for secrets. */
  secretPlaces: ReadonlySet<string>;
  /** Paths to ask providers for that cannot list what they have. */
  askFor?: readonly (readonly string[])[];
  signal?: AbortSignal;
}

/**
 * Lays the providers' values over each other, key by key, secrets or not; the first provider that has a key wins (spec section 1).
 * A provider that fails is passed over with one warning.
 */
export async function resolveConfig(options: ResolveOptions): Promise<ResolvedConfig> {
  const findings: Finding[] = [];
  const failed = new Set<SecretProvider>();
  const passOver = (provider: SecretProvider, error: unknown): null => {
    options.signal?.throwIfAborted();
    if (!failed.has(provider)) findings.push(providerFailed(provider, error));
    failed.add(provider);
    return null;
  };

  const paths = new Map<string, readonly string[]>();
  // The lowest layer first, so that keys keep the order of the configuration file.
  for (const provider of options.providers.toReversed()) {
    if (provider.paths === undefined) continue;
    const listed = await provider.paths().catch((error: unknown) => passOver(provider, error));
    for (const path of listed ?? []) paths.set(JSON.stringify(path), path);
  }
  for (const path of options.askFor ?? []) paths.set(JSON.stringify(path), path);

  const resolved: ResolvedConfig = {
    config: {},
    origins: [],
    secretPaths: new Set(),
    deferredPaths: new Set(),
    secrets: [],
    findings,
  };
  const winners: { path: readonly string[]; rank: number; value: unknown }[] = [];
  for (const path of paths.values()) {
    const text = pathText(path);
    let origin: Origin | null = null;
    for (const [rank, provider] of options.providers.entries()) {
      if (failed.has(provider)) continue;
      const answer = await provider.get(path, options.signal).catch((error: unknown) => passOver(provider, error));
      if (answer === null) continue;
      if (origin !== null) {
        origin.overruled.push(answer.place);
        // An overruled secret is a secret all the same.
        if (answer.kind === 'value') keepSecret(resolved, options, path, provider, answer.value);
        continue;
      }
      const fromSecrets = options.secretPlaces.has(provider.name);
      origin = {
        path: text,
        origin: provider.name,
        place: answer.place,
        secret: fromSecrets ? isSecretFromSecretPlace(path) : isSecretValue(path),
        deferred: answer.kind === 'deferred',
        overruled: [],
      };
      if (origin.secret) resolved.secretPaths.add(text);
      if (answer.kind === 'deferred') {
        resolved.deferredPaths.add(text);
      } else {
        winners.push({ path, rank, value: answer.value });
        keepSecret(resolved, options, path, provider, answer.value);
      }
    }
    if (origin !== null) resolved.origins.push(origin);
  }
  // A value and a table can claim one key (`credentials = "…"` below, `CREDENTIALS__PASSWORD` above): the higher layer is set last.
  for (const { path, value } of winners.sort((a, b) => b.rank - a.rank)) setAt(resolved.config, path, value);
  return resolved;
}

function keepSecret(
  resolved: ResolvedConfig,
  options: ResolveOptions,
  path: readonly string[],
  provider: SecretProvider,
  value: unknown,
): void {
  const secret = options.secretPlaces.has(provider.name) ? isSecretFromSecretPlace(path) : isSecretValue(path);
  const add = (text: string) => {
    if (text !== '') resolved.secrets.push({ path: pathText(path), value: text });
  };
  for (const text of texts(value)) {
    if (secret) add(text);
    else for (const password of userinfoPasswords(text)) add(password);
  }
}

/** Every text in a value, a number as its digits; booleans are no secret. */
function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'bigint') return [String(value)];
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(texts);
  return [];
}

/** The password of `scheme://user:password@host`, as written and decoded. */
function userinfoPasswords(text: string): string[] {
  const password = /^[a-z][a-z\d+.-]*:\/\/[^\s/@:]*:([^\s@]+)@/i.exec(text)?.[1];
  if (password === undefined) return [];
  try {
    return [...new Set([password, decodeURIComponent(password)])];
  } catch {
    return [password];
  }
}

function providerFailed(provider: SecretProvider, error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  // Our own errors name no secret, and say what can be done.
  const own = isIngestError(error) ? error : null;
  const why = own === null ? `${provider.name} could not be asked for secrets${code}` : own.message.replace(/\.$/, '');
  return {
    severity: 'warning',
    code: 'SECRET_PROVIDER_UNREACHABLE',
    sheet: provider.name,
    row: null,
    column: null,
    value: null,
    message: `${why}; secrets are looked up in the other places.`,
    hint: own?.hint ?? `Check that ${provider.name} can be reached from here and that you are signed in.`,
    fix: null,
  };
}
