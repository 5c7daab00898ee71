/** Stands where a secret is set, in whatever a window gets: the secret itself never leaves the engine. */
export const SECRET_PLACEHOLDER = '••••••••';
