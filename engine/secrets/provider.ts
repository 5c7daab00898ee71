/**
 * A place that values come from: the environment, a key vault, a TOML file, the system's keychain.
 * Providers are asked in order and the first answer wins; see {@link resolveConfig}.
 */
export interface SecretProvider {
  /** How people are told of it, e.g. `environment`, `.dlt/secrets.toml`. */
  readonly name: string;
  /** The value at a key path such as `['sources', 'shop', 'password']`; null where this place has none. */
  get(path: readonly string[], signal?: AbortSignal): Promise<ProvidedValue | null>;
  /** Every path it has a value for. Left out by places that can only be asked by name; those are asked for the secrets that a connection may have. */
  paths?(): Promise<string[][]>;
}

export type ProvidedValue =
  | {
      kind: 'value';
      value: unknown;
      /** The exact place: the variable's name, the file, the vault's secret. Never the value. */
      place: string;
    }
  /** It is known to be there but cannot be looked up now (a vault, offline). */
  | { kind: 'deferred'; place: string };

/** A key path as people and findings write it. */
export function pathText(path: readonly string[]): string {
  return path.join('.');
}
