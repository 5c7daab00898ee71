import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** The part of a writable stream that the terminal uses, so that tests can stand in for it. */
export interface OutputStream {
  write(text: string): boolean;
  isTTY?: boolean;
  columns?: number;
}

export interface TerminalOptions {
  stdout: OutputStream;
  stderr: OutputStream;
  /** Where answers would come from. Default: nowhere. */
  stdin?: { isTTY?: boolean };
  /** False turns colours off; else they are on for a terminal, unless `NO_COLOR` is set. */
  color: boolean;
  env: Record<string, string | undefined>;
}

/**
 * Everything that the command line prints goes through here: `print` is the result (stdout), `tell` is talk about it (stderr).
 * Both redact; once a project is open, its own redactor takes over.
 */
export class Terminal {
  /** Replaces secrets in any text that is about to be written. */
  redact: (text: string) => string = (text) => text;
  /** Takes away what is redrawn in place, before a line that stays comes below it. */
  beforeTalk: () => void = () => undefined;
  readonly #options: TerminalOptions;
  readonly #colors: { stdout: boolean; stderr: boolean };

  constructor(options: TerminalOptions) {
    this.#options = options;
    this.#colors = { stdout: usesColor(options, options.stdout), stderr: usesColor(options, options.stderr) };
  }

  /** The result, to stdout, with a line break. */
  print(text = ''): void {
    this.#options.stdout.write(`${this.redact(text)}\n`);
  }

  /** The result as JSON, to stdout. Its strings are redacted one by one, so that it stays JSON. */
  printJson(value: unknown): void {
    const redacted = (_key: string, entry: unknown) => {
      if (typeof entry === 'string') return this.redact(entry);
      return typeof entry === 'bigint' ? entry.toString() : entry;
    };
    this.#options.stdout.write(`${JSON.stringify(value, redacted, 2)}\n`);
  }

  /** Talk about the result, to stderr, with a line break. */
  tell(text: string): void {
    this.beforeTalk();
    this.#options.stderr.write(`${this.redact(text)}\n`);
  }

  /** Control sequences and text without a line break, to stderr: what draws progress bars. */
  draw(text: string): void {
    this.#options.stderr.write(this.redact(text));
  }

  /** Can progress be drawn over what was drawn before? */
  get interactive(): boolean {
    return this.#options.stderr.isTTY === true && this.#options.env['TERM'] !== 'dumb' && !this.#options.env['CI'];
  }

  /** Does somebody sit there, who can be asked to do something? */
  get attended(): boolean {
    const { stdin, stderr, env } = this.#options;
    return stdin?.isTTY === true && stderr.isTTY === true && !env['CI'];
  }

  /** Columns of stderr; 80 where it is no terminal, or one that says 0. */
  get columns(): number {
    return this.#options.stderr.columns || 80;
  }

  /** Columns of stdout; unlimited where it goes to a file or another program. */
  get printColumns(): number {
    return this.#options.stdout.columns || Number.POSITIVE_INFINITY;
  }

  /** Styles text for stdout. */
  style(style: Style, text: string): string {
    return this.#colors.stdout ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Styles text for stderr. */
  styleTalk(style: Style, text: string): string {
    return this.#colors.stderr ? styleText(style, text, { validateStream: false }) : text;
  }
}

/** `NO_COLOR` (no-color.org) wins over `FORCE_COLOR`; both over what the stream is. */
function usesColor({ color, env }: TerminalOptions, stream: OutputStream): boolean {
  if (!color || env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}
