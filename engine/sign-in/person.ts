/** Claims that say who a token is for; a subject mostly is a number, and an address in Databricks. */
const CLAIMS = ['preferred_username', 'upn', 'unique_name', 'email', 'sub'] as const;

/** Who a token is for, for people to read: nothing is decided by it, and nobody has checked its signature. Null where it does not say. */
export function personOf(token: string): string | null {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >;
    const found = CLAIMS.map((name) => claims[name]).find(
      (value) => typeof value === 'string' && /^[^\s@<>]+@[^\s@<>]+$/.test(value),
    );
    return typeof found === 'string' ? found.slice(0, 200) : null;
  } catch {
    return null;
  }
}
