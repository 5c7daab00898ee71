/** The shells from which people copy commands: sh and its kin, cmd.exe, PowerShell. */
export type Shell = 'sh' | 'cmd' | 'powershell';

/** The shell that a command was written for, by what only it has. Browsers offer "Copy as cURL (bash)" and "(cmd)"; PowerShell's lines end in a backtick. */
export function shellOf(text: string): Shell {
  if (/\^\r?\n|\^"|\^%\^|\^&/.test(text)) return 'cmd';
  if (/`\r?\n|`"|`\$/.test(text)) return 'powershell';
  return 'sh';
}

/** The words of one command line, quotes undone as its shell does. An unclosed quote ends with the text. */
export function shellWords(text: string, shell: Shell = shellOf(text)): string[] {
  switch (shell) {
    case 'cmd':
      return argvWords(uncaret(text));
    case 'powershell':
      return powershellWords(text);
    case 'sh':
      return shWords(text);
    default:
      return shell satisfies never;
  }
}

const ANSI: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
};

function shWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let at = 0;
  while (at < text.length) {
    const char = text[at] as string;
    if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
      at += 1;
    } else if (char === '\\') {
      const next = text[at + 1] ?? '';
      const lineEnd = /^\\\r?\n/.exec(text.slice(at, at + 3))?.[0];
      if (lineEnd === undefined) word = (word ?? '') + next;
      at += lineEnd?.length ?? 2;
    } else if (char === "'") {
      const end = closing(text, "'", at + 1);
      word = (word ?? '') + text.slice(at + 1, end);
      at = end + 1;
    } else if (char === '$' && text[at + 1] === "'") {
      const [value, end] = ansiQuoted(text, at + 2);
      word = (word ?? '') + value;
      at = end;
    } else if (char === '"' || (char === '$' && text[at + 1] === '"')) {
      const [value, end] = doubleQuoted(text, at + (char === '$' ? 2 : 1));
      word = (word ?? '') + value;
      at = end;
    } else if (word === null && char === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (char === ';' || char === '|' || char === '&') {
      // What follows is another command.
      break;
    } else {
      word = (word ?? '') + char;
      at += 1;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

function closing(text: string, quote: string, from: number): number {
  const end = text.indexOf(quote, from);
  return end < 0 ? text.length : end;
}

function doubleQuoted(text: string, from: number): [value: string, end: number] {
  let value = '';
  let at = from;
  for (; at < text.length && text[at] !== '"'; at += 1) {
    if (text[at] === '\\' && /["\\$`\n]/.test(text[at + 1] ?? '')) {
      at += 1;
      if (text[at] === '\n') continue;
    }
    value += text[at];
  }
  return [value, at + 1];
}

/** `$'…'` of bash: \n, \x41, \u00e9, \'. */
function ansiQuoted(text: string, from: number): [value: string, end: number] {
  let value = '';
  let at = from;
  while (at < text.length && text[at] !== "'") {
    if (text[at] !== '\\') {
      value += text[at];
      at += 1;
      continue;
    }
    const code = /^\\(?:x([\da-f]{1,2})|u([\da-f]{1,4})|U([\da-f]{1,8})|([0-7]{1,3}))/i.exec(text.slice(at, at + 10));
    if (code !== null) {
      const hex = code[1] ?? code[2] ?? code[3];
      value += String.fromCodePoint(
        hex === undefined ? Number.parseInt(code[4] as string, 8) : Number.parseInt(hex, 16),
      );
      at += code[0].length;
    } else {
      const next = text[at + 1] ?? '';
      value += ANSI[next] ?? next;
      at += 2;
    }
  }
  return [value, at + 1];
}

/** cmd.exe: a caret takes the next character's meaning away, at the end of a line the line's end. */
function uncaret(text: string): string {
  return text.replace(/\^(\r?\n|[\s\S])/g, (_whole, next: string) => (/\n/.test(next) ? '' : next));
}

/** What a C program makes of its command line on Windows: `""` and `\"` inside quotes are a quote. */
function argvWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    if (char === '\\') {
      const slashes = /^\\+/.exec(text.slice(at))?.[0].length ?? 1;
      const beforeQuote = text[at + slashes] === '"';
      word = (word ?? '') + '\\'.repeat(beforeQuote ? Math.floor(slashes / 2) : slashes);
      at += slashes - 1;
      if (beforeQuote && slashes % 2 === 1) {
        word += '"';
        at += 1;
      }
    } else if (char === '"') {
      if (quoted && text[at + 1] === '"') {
        word = `${word ?? ''}"`;
        at += 1;
      } else {
        quoted = !quoted;
        word ??= '';
      }
    } else if (/\s/.test(char) && !quoted) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? '') + char;
  }
  if (word !== null) words.push(word);
  return words;
}

function powershellWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] as string;
    if (char === '`') {
      const next = text.slice(at + 1, at + 3);
      if (/^\r?\n/.test(next)) at += next.startsWith('\r') ? 2 : 1;
      else {
        word = (word ?? '') + (next[0] ?? '');
        at += 1;
      }
    } else if (char === "'" || char === '"') {
      word ??= '';
      for (at += 1; at < text.length; at += 1) {
        if (text[at] === char && text[at + 1] === char) at += 1;
        else if (text[at] === char) break;
        // Windows PowerShell hands \" on to programs, so that copied commands hold it.
        else if (char === '"' && text[at] === '`') at += 1;
        else if (text[at] === '\\' && text[at + 1] === '"') at += char === '"' ? 1 : 1;
        word += text[at] ?? '';
      }
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (/[;|]/.test(char)) break;
    else word = (word ?? '') + char;
  }
  if (word !== null) words.push(word);
  return words;
}
