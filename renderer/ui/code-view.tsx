import type { ReactNode } from 'react';
import classes from './code-view.module.css';
import { CopyButton } from './copy-button.tsx';

export const LANGUAGES = ['sql', 'json', 'toml', 'shell', 'text'] as const;
export type Language = (typeof LANGUAGES)[number];

type Token = 'comment' | 'keyword' | 'string' | 'number' | 'key';

const SQL_WORDS =
  'select|from|where|and|or|not|as|order|by|group|limit|join|left|right|inner|outer|on|using|case|when|then|else|end|desc|asc|is|null|distinct|having|with|in|between|like|exists|union|all|cast|interval|date|timestamp|copy|to';

/** Named groups are the tokens; what none of them takes stays plain. */
const PATTERNS: Readonly<Record<Exclude<Language, 'text'>, RegExp>> = {
  sql: new RegExp(
    `(?<comment>--[^\\n]*)|(?<string>'(?:[^']|'')*')|(?<plain>"(?:[^"]|"")*")|(?<number>\\b\\d[\\d.]*\\b)|(?<keyword>\\b(?:${SQL_WORDS})\\b)`,
    'gi',
  ),
  json: /(?<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?<string>"(?:[^"\\]|\\.)*")|(?<number>-?\b\d[\d.eE+-]*\b)|(?<keyword>\b(?:true|false|null)\b)/g,
  toml: /(?<comment>#[^\n]*)|(?<keyword>^\[[^\]\n]+\])|(?<string>"(?:[^"\\\n]|\\.)*"|'[^'\n]*')|(?<number>\b\d[\d._:-]*\b|\b(?:true|false)\b)|(?<key>^[\w."-]+(?=\s*=))/gm,
  shell: /(?<comment>#[^\n]*)|(?<string>'[^']*'|"[^"]*")|(?<keyword>(?<=\s)--?[a-z-]+)|(?<key>\b[A-Z][A-Z0-9_]{3,}\b)/g,
};

/** Texts beyond this are shown without colours: the page stays quick. */
const LONGEST_COLOURED = 20_000;

/** A text with its tokens coloured. */
export function Highlighted({ text, language }: { text: string; language: Language }): ReactNode {
  if (language === 'text' || text.length > LONGEST_COLOURED) return text;
  const parts: ReactNode[] = [];
  let at = 0;
  for (const match of text.matchAll(PATTERNS[language])) {
    const token = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined)?.[0] as Token | 'plain';
    if (match.index > at) parts.push(text.slice(at, match.index));
    parts.push(
      token === 'plain' ? (
        match[0]
      ) : (
        <span key={match.index} data-token={token}>
          {match[0]}
        </span>
      ),
    );
    at = match.index + match[0].length;
  }
  parts.push(text.slice(at));
  return parts;
}

export interface CodeViewProps {
  text: string;
  language: Language;
  /** Names the region and the copy button. */
  label: string;
  /** Default true. */
  copy?: boolean;
  /** Break long lines. Default false: the region scrolls. */
  wrap?: boolean;
  className?: string;
}

/** A piece of code that can be read, scrolled by keyboard and copied. */
export function CodeView({ text, language, label, copy = true, wrap = false, className }: CodeViewProps) {
  return (
    <div className={`${classes['block']} ${className ?? ''}`}>
      {/* biome-ignore-start lint/a11y: what scrolls must be reachable by keyboard */}
      <pre
        className={`${classes['pre']} scroll`}
        data-wrap={wrap || undefined}
        tabIndex={0}
        role="group"
        aria-label={label}
      >
        <Highlighted text={text} language={language} />
      </pre>
      {/* biome-ignore-end lint/a11y: what scrolls must be reachable by keyboard */}
      {copy ? <CopyButton text={text} label={label} className={classes['copy']} /> : null}
    </div>
  );
}
