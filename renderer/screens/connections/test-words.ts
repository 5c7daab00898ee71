import type { TestResult, TestStage, TestSummary } from '../../stores/connection-store.ts';
import type { Status } from '../../ui/status-icon.tsx';

export const STAGES = ['dns', 'tcp', 'tls', 'login', 'permission', 'first_read'] as const;

export const STAGE_NAMES: Record<TestStage['stage'], string> = {
  dns: 'DNS',
  tcp: 'TCP',
  tls: 'TLS',
  login: 'Login',
  permission: 'Permission',
  first_read: 'First read',
};

/** How each state of a test or a stage looks. */
export const STATUS_OF: Record<TestResult['status'] | TestStage['status'] | 'waiting', Status> = {
  running: 'running',
  passed: 'ok',
  failed: 'error',
  cancelled: 'cancelled',
  skipped: 'skipped',
  waiting: 'queued',
};

/** What a stage finds out, said before it has. */
export const STAGE_QUESTIONS: Record<TestStage['stage'], string> = {
  dns: 'Is the name known?',
  tcp: 'Does anything answer there?',
  tls: 'Is the line encrypted, and by whom?',
  login: 'Are user and password accepted?',
  permission: 'What may be read?',
  first_read: 'Does a first row come?',
};

/** What else to try where a stage fails, beside the engine's own hint. */
export const STAGE_TIPS: Record<TestStage['stage'], readonly string[]> = {
  dns: ['Look for a typing error in the host', 'If the name is known inside the company only, connect the VPN'],
  tcp: ['Check the port', 'Ask whether a firewall lets this computer through; connect the VPN'],
  tls: ['Check the Security tab: does the server speak TLS, and who signed its certificate?'],
  login: ['If the secret was changed since it was saved, replace it', 'Ask whether the account is locked or expired'],
  permission: ['Ask for the right to read (SELECT, or read access to the folder)'],
  first_read: ['Try again; if it stays, send the detail to whoever runs the server'],
};

export function stageName(stage: string): string {
  return STAGE_NAMES[stage as TestStage['stage']] ?? stage;
}

export function msText(ms: number): string {
  if (ms < 0.5) return '< 1 ms';
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** `14:02` today, the weekday within a week, else the date. */
export function whenText(at: number, now: number = Date.now()): string {
  const date = new Date(at);
  if (date.toDateString() === new Date(now).toDateString())
    return date.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
  if (now - at < 6 * 86_400_000) return date.toLocaleDateString(undefined, { weekday: 'long' });
  return date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' });
}

export function failedStage(result: Pick<TestResult, 'stages'>): TestStage | undefined {
  return result.stages.find(({ status }) => status === 'failed');
}

/** The verdict in words: `Passed`, `Failed at login`. */
export function verdictText(result: TestResult | TestSummary): string {
  if (result.status === 'running') return 'Testing …';
  if (result.status === 'cancelled') return 'Cancelled';
  if (result.status === 'passed') return 'Passed';
  const stage = 'stages' in result ? failedStage(result)?.stage : result.stage;
  return stage == null ? 'Could not be tested' : `Failed at ${stageName(stage).toLowerCase()}`;
}

/** All that is known of a failed test, for whoever can help; the engine has taken out the secrets. */
export function testDetail(result: TestResult, connection: { name: string; label: string; place: string }): string {
  const failed = failedStage(result);
  const error = failed?.error ?? result.error;
  const lines: [string, string][] = [
    ['connection', `${connection.name} (${connection.label})`],
    ['server', connection.place],
    ['code', error?.code ?? ''],
    ['stage', failed === undefined ? '' : stageName(failed.stage)],
    ['message', error?.message ?? failed?.detail ?? ''],
    ['hint', error?.hint ?? ''],
    ['at', `${new Date(result.at).toISOString()}, after ${msText(result.ms)}`],
    ...result.stages
      .filter((stage) => stage !== failed)
      .map(({ stage, status, durationMs, detail }): [string, string] => [
        stageName(stage).toLowerCase(),
        `${status}${status === 'skipped' ? '' : `, ${msText(durationMs)}`}: ${detail}`,
      ]),
    ...(result.error?.detail ? ([['detail', result.error.detail]] as [string, string][]) : []),
  ];
  return lines
    .filter(([, text]) => text !== '')
    .map(([name, text]) => `${name.padEnd(11)}${text.replaceAll('\n', `\n${' '.repeat(11)}`)}`)
    .join('\n');
}
