/**
 * The line of each key and table of a valid TOML document: `['sources', 'shop', 'port']` joined by a dot → 1-based line.
 * What stands inside an inline table or list has the line of the key that holds it. The first of several `[[tables]]` counts.
 */
export function tomlLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  let at = 0;
  let line = 1;
  let table: string[] = [];
  const remember = (path: readonly string[]) => {
    for (let length = 1; length <= path.length; length += 1) {
      const key = path.slice(0, length).join('.');
      if (!lines.has(key)) lines.set(key, line);
    }
  };

  /** Goes behind the text that begins here; counts the lines of a long one. */
  function skipText(): string {
    const quote = text[at] as string;
    const long = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
    const start = at + long.length;
    at = start;
    while (at < text.length && !text.startsWith(long, at)) {
      if (text[at] === '\n') line += 1;
      at += quote === '"' && text[at] === '\\' ? 2 : 1;
    }
    const inside = text.slice(start, at);
    at += long.length;
    // `""""` at the end of a long text: the surplus quotation marks belong to it.
    while (long.length === 3 && text[at] === quote) at += 1;
    return inside;
  }

  function readKey(until: RegExp): string[] {
    const parts: string[] = [];
    let bare = '';
    while (at < text.length && !until.test(text[at] as string)) {
      const char = text[at] as string;
      if (char === '"' || char === "'") {
        parts.push(skipText());
        continue;
      }
      if (char === '.' || char === ' ' || char === '\t') {
        if (bare) parts.push(bare);
        bare = '';
      } else bare += char;
      at += 1;
    }
    if (bare) parts.push(bare);
    return parts;
  }

  /** Goes behind a value: to the line's end, unless a list or table goes on. */
  function skipValue(): void {
    let depth = 0;
    while (at < text.length) {
      const char = text[at];
      if (char === '"' || char === "'") {
        skipText();
        continue;
      }
      if (char === '#') {
        skipComment();
        continue;
      }
      if (char === '[' || char === '{') depth += 1;
      if (char === ']' || char === '}') depth -= 1;
      if (char === '\n') {
        if (depth === 0) return;
        line += 1;
      }
      at += 1;
    }
  }

  function skipComment(): void {
    while (at < text.length && text[at] !== '\n') at += 1;
  }

  while (at < text.length) {
    const char = text[at] as string;
    if (char === '\n') {
      line += 1;
      at += 1;
    } else if (char === '#') {
      skipComment();
    } else if (char === '[') {
      while (text[at] === '[') at += 1;
      table = readKey(/[\]\n]/);
      remember(table);
      while (text[at] === ']') at += 1;
    } else if (/[\s\uFEFF]/.test(char)) {
      at += 1;
    } else {
      const key = readKey(/[=\n]/);
      remember([...table, ...key]);
      at += 1;
      skipValue();
    }
  }
  return lines;
}
