import type { Finding, Severity } from '../spec/finding.ts';
import { plural } from './format.ts';
import type { Style, Terminal } from './terminal.ts';

/** More findings of one severity are counted, not printed: nobody reads a thousand lines. `--json` has them all. */
export const FINDINGS_SHOWN = 50;

const LOOKS: Record<Severity, { style: Style; sign: string; noun: string }> = {
  error: { style: 'red', sign: '✖', noun: 'error' },
  warning: { style: 'yellow', sign: '▲', noun: 'warning' },
  notice: { style: 'cyan', sign: '●', noun: 'notice' },
};

/** Findings as text: errors, then warnings, then notices; each with its place, message, replacement and hint. */
export function findingsText(findings: readonly Finding[], style: Terminal['style']): string {
  const blocks: string[] = [];
  for (const severity of ['error', 'warning', 'notice'] as const) {
    const group = findings.filter((finding) => finding.severity === severity);
    if (group.length === 0) continue;
    const look = LOOKS[severity];
    const lines = [style('bold', plural(group.length, look.noun))];
    for (const finding of group.slice(0, FINDINGS_SHOWN)) {
      lines.push(`${style(look.style, look.sign)} ${finding.message} ${style('dim', `[${finding.code}]`)}`);
      if (finding.fix !== null && !finding.hint?.includes(finding.fix))
        lines.push(`    Did you mean "${finding.fix}"?`);
      if (finding.hint !== null) lines.push(`    ${style('dim', finding.hint)}`);
    }
    if (group.length > FINDINGS_SHOWN) {
      lines.push(
        style(
          'dim',
          `  … and ${plural(group.length - FINDINGS_SHOWN, `more ${look.noun}`)}: ${byCode(group.slice(FINDINGS_SHOWN))}`,
        ),
      );
      lines.push(style('dim', '  All of them: ingest validate --json'));
    }
    blocks.push(lines.join('\n'));
  }
  return blocks.join('\n\n');
}

/** `3 errors, 1 warning`; empty where there is nothing. */
export function countFindings(findings: readonly Finding[]): string {
  return (['error', 'warning', 'notice'] as const)
    .map((severity) => ({ severity, count: findings.filter((finding) => finding.severity === severity).length }))
    .filter(({ count }) => count > 0)
    .map(({ severity, count }) => plural(count, LOOKS[severity].noun))
    .join(', ');
}

/** A finding in the form of spec section 6. */
export function toIssue({ severity, code, sheet, row, column, value, message, hint, fix }: Finding) {
  const way =
    fix === null || hint?.includes(fix)
      ? hint
      : [`Did you mean "${fix}"?`, hint].filter((text) => text !== null).join(' ');
  return { severity, code, sheet, row, column, value, message, hint: way };
}

function byCode(findings: readonly Finding[]): string {
  const counts = new Map<string, number>();
  for (const { code } of findings) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts]
    .sort((one, other) => other[1] - one[1])
    .map(([code, count]) => `${count} × ${code}`)
    .join(', ');
}
