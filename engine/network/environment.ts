/** Where HTTPS_PROXY, HTTP_PROXY, NO_PROXY and the like are looked up. */
export type Environment = Readonly<Record<string, string | undefined>>;
