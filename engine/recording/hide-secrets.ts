const QUOTED = /"((?:[^"\\]|\\.){1,80})"(\s*:\s*)"((?:[^"\\]|\\.)*)"/g;
const PARAMETER = /([?&;])([\w.[\]%-]{1,80})=([^&;"'\\\s#<>]+)/g;
const USER_INFO = /(:\/\/)([^/?#\s"@]*)@/g;

/** What a hidden value looks like. */
export const HIDDEN = /^redacted-\d+$/;

/**
 * Hides secrets by their keys. The same value becomes the same placeholder wherever it stands, so that a cursor that is called `token`
 * still leads from its page to the next one when the recording is replayed.
 */
export class SecretHider {
  readonly #placeholders = new Map<string, string>();
  readonly #isSecretName: (name: string) => boolean;

  constructor(isSecretName: (name: string) => boolean) {
    this.#isSecretName = isSecretName;
  }

  /** JSON, an address, or any other text. */
  text(text: string): string {
    return text
      .replace(QUOTED, (whole, key: string, colon: string, value: string) =>
        value !== '' && this.#isSecretName(key) ? `"${key}"${colon}"${this.#placeholder(value)}"` : whole,
      )
      .replace(PARAMETER, (whole, mark: string, key: string, value: string) =>
        this.#isSecretName(decoded(key))
          ? `${mark}${key}=${this.#placeholder(decoded(value.replaceAll('+', ' ')))}`
          : whole,
      )
      .replace(USER_INFO, (_whole, head: string, user: string) => `${head}${this.#placeholder(user)}@`);
  }

  headers(headers: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        this.#isSecretName(name) ? this.#placeholder(value) : this.text(value),
      ]),
    );
  }

  #placeholder(value: string): string {
    if (HIDDEN.test(value) || value.includes('***')) return value;
    const known = this.#placeholders.get(value);
    if (known !== undefined) return known;
    const placeholder = `redacted-${this.#placeholders.size + 1}`;
    this.#placeholders.set(value, placeholder);
    return placeholder;
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
