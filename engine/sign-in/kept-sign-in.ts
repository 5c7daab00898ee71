/** The last key of what a sign-in leaves in the keychain. It is no value of the configuration. */
const KEPT_KEY = 'browser_sign_in';

/** Where the refresh token of a connection is kept: below the connection, so that it is renamed and removed with it. */
export function keptSignInPath({ section, name }: { section: string; name: string }): string[] {
  return [section, name, KEPT_KEY];
}

/** True for what {@link keptSignInPath} gives. */
export function isKeptSignIn(path: readonly string[]): boolean {
  return path.length === 3 && path[2] === KEPT_KEY;
}
