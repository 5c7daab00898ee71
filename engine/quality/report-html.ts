import type { CheckReport, CheckResult, QualityDocument } from '../spec/metrics.ts';

const STYLE = `
:root { color-scheme: light dark; --text: #1c2130; --soft: #545b70; --line: #d9dce6; --back: #fff; --raised: #f5f6fa; --good: #1a6b3c; --bad: #a8242b; --warn: #7a5200; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8ef; --soft: #a8aec0; --line: #3a4052; --back: #171a22; --raised: #20242f; --good: #74cf98; --bad: #ff9a9a; --warn: #eac06a; } }
body { margin: 0 auto; max-width: 1100px; padding: 32px 24px; background: var(--back); color: var(--text); font: 14px/1.5 system-ui, sans-serif; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 32px 0 8px; } p { margin: 0 0 8px; color: var(--soft); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th, td { padding: 8px 12px 8px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; color: var(--soft); } td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; } td.message { overflow-wrap: anywhere; }
.passed { color: var(--good); } .failed { color: var(--bad); } .warned { color: var(--warn); } .skipped { color: var(--soft); } .status { white-space: nowrap; font-weight: 600; }
`;

/** A quality report as one HTML file: readable in any browser and in print, without a script, a request or a secret. */
export function reportHtml(document: QualityDocument): string {
  const { reports } = document;
  const checks = reports.flatMap((report) => report.checks);
  const count = (status: CheckResult['status']) => checks.filter((check) => check.status === status).length;
  const critical = reports.reduce((sum, report) => sum + report.critical_failures, 0);
  const title = `Data quality of ${document.pipeline_name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p>${escapeHtml(document.run_timestamp)} (UTC) · run ${escapeHtml(document.run_id)} · destination ${escapeHtml(document.destination)}</p>
<p>${count('passed')} passed · ${count('failed')} failed, ${critical} of them critical · ${count('skipped')} skipped</p>
${reports.map(section).join('\n')}
</main>
</body>
</html>
`;
}

function section(report: CheckReport): string {
  return `<section>
<h2>${escapeHtml(report.table_name)} — ${report.passed ? '<span class="passed">passed</span>' : '<span class="failed">failed</span>'}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Checks of ${escapeHtml(report.table_name)}">
<table>
<thead><tr><th scope="col">Status</th><th scope="col">Check</th><th scope="col">Type</th><th scope="col">Severity</th><th scope="col">What was found</th><th scope="col">Time</th></tr></thead>
<tbody>
${report.checks.map(line).join('\n')}
</tbody>
</table>
</div>
</section>`;
}

const SIGNS = { passed: '✔', failed: '✖', skipped: '–' } as const;

function line(check: CheckResult): string {
  const look = check.status === 'failed' && check.severity === 'warning' ? 'warned' : check.status;
  return `<tr><td class="status ${look}">${SIGNS[check.status]} ${check.status}</td><td>${escapeHtml(check.check_name)}</td><td>${escapeHtml(check.check_type)}</td><td>${check.severity}</td><td class="message">${escapeHtml(check.message)}</td><td class="number">${Math.round(check.execution_time_ms)} ms</td></tr>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
