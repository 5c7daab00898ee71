import { bytesText, countText, durationText } from '../../ui/number-text.ts';
import { healthText } from './health-text.ts';
import { RUN_STATUS, type RunDetail, type RunJob } from './run-model.ts';

/** A run as a text for whoever helps: facts, failures, warnings. The engine has redacted all of it. */
export function diagnosticsText(
  { summary, metrics, log_path }: RunDetail,
  jobs: readonly RunJob[],
  lines: readonly string[],
): string {
  const parts = [
    `Run ${summary.run_id} of ${summary.pipeline} into ${summary.destination}: ${RUN_STATUS[summary.status].word}`,
    `Started ${summary.started_at} (${summary.trigger})${summary.duration_seconds === null ? '' : `, ${durationText(summary.duration_seconds)}`}, ${countText(summary.total_rows)} rows`,
    `Log: ${log_path}`,
  ];
  const health = healthText(metrics);
  if (health !== null) parts.push(`Health ${health.score}: ${health.parts}`);
  parts.push('');
  for (const { name, result, rows, bytes, warnings } of jobs) {
    parts.push(`${name}: ${result?.status ?? 'not ended'}, ${countText(rows)} rows, ${bytesText(bytes)}`);
    if (result?.error)
      parts.push(
        `  ${result.error.code}: ${result.error.message}${result.error.hint ? `\n  What to do: ${result.error.hint}` : ''}`,
      );
    if (result?.stop) parts.push(`  Stopped: ${result.stop.detail}`);
    for (const { code, message } of warnings) parts.push(`  ${code}: ${message}`);
  }
  if (lines.length > 0) parts.push('', 'Warnings and errors of the log:', ...lines.map((line) => `  ${line}`));
  return `${parts.join('\n')}\n`;
}
