import { secondsText } from '../runs/event-text.ts';
import type { JobResult } from '../runs/events.ts';
import type { JobStatus } from '../spec/kinds.ts';
import type { Notifications } from '../spec/notifications.ts';

/** Jobs that a message shows; the rest is counted. */
const SHOWN = 10;

export interface EndedRun {
  pipeline: string;
  destination: string;
  runId: string;
  status: JobStatus;
  seconds: number;
  jobs: readonly JobResult[];
}

/** Does this run's end concern whoever gets the messages? */
export function isWorthTelling({ on }: Pick<Notifications, 'on'>, run: EndedRun): boolean {
  return on === 'always' || run.status === 'FAILED';
}

/** What a message says, without any service's own form: no rows, and of checks only what their result says. */
export function messageOfRun(run: EndedRun): { title: string; facts: [string, string][]; lines: string[] } {
  const failed = run.jobs.filter(({ status }) => status === 'FAILED');
  const rows = run.jobs.reduce((sum, job) => sum + job.rows_processed, 0);
  const checks = run.jobs.flatMap((job) => job.checks).filter(({ status }) => status === 'failed');
  const lines = failed.slice(0, SHOWN).map(({ source_name, table_name, error }) => {
    const name = `${source_name}.${table_name}`;
    const message =
      error === null
        ? ''
        : error.message.startsWith(`${name}: `)
          ? error.message.slice(name.length + 2)
          : error.message;
    return `${name}: ${error === null ? 'failed' : `${error.code}: ${message.slice(0, 500)}`}`;
  });
  if (failed.length > SHOWN) lines.push(`… and ${failed.length - SHOWN} more jobs that failed`);
  return {
    title: `${run.pipeline}: run ${run.status.toLowerCase()}`,
    facts: [
      ['Run', run.runId],
      ['Destination', run.destination],
      ['Jobs', `${run.jobs.length}, ${failed.length} failed`],
      ['Rows', rows.toLocaleString('en-US')],
      ['Checks failed', String(checks.length)],
      ['Duration', secondsText(run.seconds)],
    ],
    lines,
  };
}

/** The JSON body for a service: Slack's text with blocks, or an Adaptive Card as Teams' workflows take it. */
export function webhookBody(run: EndedRun, format: 'teams' | 'slack'): unknown {
  const { title, facts, lines } = messageOfRun(run);
  if (format === 'slack') {
    const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text: text.slice(0, 2900) } });
    const details = facts.map(([name, value]) => `*${name}*: ${slackText(value)}`).join('\n');
    return {
      text: title,
      blocks: [
        { type: 'header', text: { type: 'plain_text', text: title.slice(0, 150) } },
        section(details),
        ...(lines.length === 0 ? [] : [section(lines.map((line) => `• ${slackText(line)}`).join('\n'))]),
      ],
    };
  }
  return {
    type: 'message',
    text: title,
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'TextBlock', size: 'Medium', weight: 'Bolder', wrap: true, text: title },
            { type: 'FactSet', facts: facts.map(([name, value]) => ({ title: name, value })) },
            ...lines.map((text) => ({ type: 'TextBlock', wrap: true, spacing: 'Small', text })),
          ],
        },
      },
    ],
  };
}

/** Slack reads these three as markup. */
function slackText(text: string): string {
  return text.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] as string);
}
