import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { messageOfRun, webhookBody } from '../../engine/notifications/message.ts';
import { notify } from '../../engine/notifications/notify.ts';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { Redactor } from '../../engine/secrets/redaction.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';

const TOKEN = 'Zk93hQ-webhook-token';

let server: Server;
let origin: string;
let answer: 'ok' | 'error' | 'silence' | 'redirect' = 'ok';
const received: { url: string; body: string; contentType: string }[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ url: request.url ?? '', body, contentType: request.headers['content-type'] ?? '' });
    if (answer === 'silence') return;
    if (answer === 'redirect') response.writeHead(307, { location: `${origin}/elsewhere` }).end();
    else response.writeHead(answer === 'ok' ? 200 : 500).end('1');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received.length = 0;
  answer = 'ok';
});

async function project(folder: string, options: { on?: string; format?: string; minRows: number }) {
  await writeProject(folder, {
    jobs: [
      {
        source_type: 'filesystem',
        source_name: 'files',
        table_name: 'orders',
        load_type: 'FULL',
        enabled: 'Y',
        file_format: 'csv',
        file_glob: '*.csv',
      },
    ],
    checks: [
      { table: 'orders', type: 'row_count', min_rows: options.minRows, severity: 'critical', name: `rows of ${TOKEN}` },
    ],
    config: `[notifications]\non = "${options.on ?? 'failure'}"\nformat = "${options.format ?? 'auto'}"\n[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n`,
    secrets: `[notifications]\nwebhook_url = "${origin}/hook/${TOKEN}"\n[sources.files]\npassword = "${TOKEN}"\n`,
  });
  await mkdir(path.join(folder, 'data'), { recursive: true });
  await writeFile(path.join(folder, 'data', 'orders.csv'), 'id\n1\n');
  const opened = await openProject(folder, { environment: {} });
  expect(opened.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const lines: string[] = [];
  const outcome = await runProject(opened, {
    selectors: [],
    signal: new AbortController().signal,
    onEvent: (event) => lines.push(JSON.stringify(event)),
  });
  return { outcome, log: lines.join('\n'), opened };
}

describe('a webhook', () => {
  it('hears of a run that failed, in the form of Teams, and no secret is in it', async () => {
    await using folder = await temporaryFolder();
    const { outcome, log } = await project(folder.path, { minRows: 5 });
    expect(outcome.exitCode).toBe(1);
    expect(received).toHaveLength(1);
    expect(received[0]?.url).toBe(`/hook/${TOKEN}`);
    expect(received[0]?.contentType).toBe('application/json');
    const message = JSON.parse(received[0]!.body);
    expect(message).toMatchObject({ type: 'message', text: 'dlt_pipeline: run failed' });
    const card = message.attachments[0];
    expect(card.contentType).toBe('application/vnd.microsoft.card.adaptive');
    expect(card.content.body[1].facts).toContainEqual({ title: 'Checks failed', value: '1' });
    expect(card.content.body[2].text).toMatch(/^files\.orders: CHECKS_FAILED: critical check rows of .* failed/);
    expect(received[0]!.body).not.toContain(TOKEN);
    expect(log).not.toContain(TOKEN);
  });

  it('hears of a good run where it always wants to, in the form of Slack', async () => {
    await using folder = await temporaryFolder();
    await project(folder.path, { minRows: 1 });
    expect(received).toEqual([]);
    await project(folder.path, { minRows: 1, on: 'always', format: 'slack' });
    expect(JSON.parse(received[0]!.body)).toMatchObject({
      text: 'dlt_pipeline: run success',
      blocks: [
        { type: 'header' },
        { type: 'section', text: { type: 'mrkdwn', text: expect.stringContaining('*Rows*: 1') } },
      ],
    });
  });

  it('that fails costs a warning, never the run', async () => {
    await using folder = await temporaryFolder();
    answer = 'error';
    const { outcome, log } = await project(folder.path, { minRows: 1, on: 'always' });
    expect(outcome.exitCode).toBe(0);
    expect(log).toContain('The notification could not be sent: 127.0.0.1');
    expect(log).toContain('answered with status 500');
    expect(log).not.toContain(TOKEN);
  });

  it('that is silent, not there, or sends elsewhere is given up', async () => {
    const run = { pipeline: 'p', destination: 'd', runId: 'r', status: 'FAILED' as const, seconds: 1, jobs: [] };
    const options = { redactor: new Redactor(), environment: {}, patience: 300 };
    const tell = (webhook_url: string) => notify({ webhook_url, on: 'failure', format: 'auto' }, run, options);
    answer = 'silence';
    expect(await tell(`${origin}/hook/${TOKEN}`)).toMatch(/did not answer in time$/);
    answer = 'redirect';
    expect(await tell(`${origin}/hook/${TOKEN}`)).toMatch(/answered with status 307$/);
    expect(received.map(({ url }) => url)).not.toContain('/elsewhere');
    const closed = await tell('http://127.0.0.1:1/hook/secret-part');
    expect(closed).toBeTruthy();
    expect(closed).not.toContain('secret-part');
  });

  it('goes through the proxy of the environment', async () => {
    const run = { pipeline: 'p', destination: 'd', runId: 'r', status: 'FAILED' as const, seconds: 1, jobs: [] };
    const lines: string[] = [];
    const proxy = createServer();
    proxy.on('connect', (request, socket) => {
      lines.push(request.url ?? '');
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const problem = await notify({ webhook_url: 'https://hooks.example.com/x', on: 'failure', format: 'auto' }, run, {
      redactor: new Redactor(),
      environment: { HTTPS_PROXY: address },
    });
    proxy.close();
    expect(problem).toBeTruthy();
    expect(lines).toEqual(['hooks.example.com:443']);
  });
});

it('the address is a secret, must be https, and may come from the environment', async () => {
  await using folder = await temporaryFolder();
  const write = (config: string) =>
    writeProject(folder.path, {
      jobs: [{ source_type: 'filesystem', source_name: 'f', table_name: 't', load_type: 'FULL', enabled: 'N' }],
      config: `${config}\n[sources.f]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n`,
    });
  const findings = async (environment: Record<string, string> = {}) => {
    const opened = await openProject(folder.path, { environment });
    const found = opened.findings.filter(({ column }) => column?.startsWith('notifications'));
    return { opened, texts: found.map(({ code, message }) => `${code} ${message}`) };
  };
  await write('[notifications]\nwebhook_url = "http://hooks.example.com/open-secret"\nwhen = "always"');
  const wrong = await findings();
  expect(wrong.texts.join('\n')).toMatch(/CONFIG_VALUE_NOT_ALLOWED[^\n]*https address/);
  expect(wrong.texts.join('\n')).toContain('CONFIG_KEY_UNKNOWN');
  expect(JSON.stringify(wrong.opened.findings)).not.toContain('open-secret');
  expect(wrong.opened.project.notifications).toBeNull();
  await write('[notifications]\non = "always"');
  expect((await findings()).texts.join()).toContain('CONFIG_VALUE_MISSING');
  const { opened } = await findings({ NOTIFICATIONS__WEBHOOK_URL: 'https://hooks.slack.com/services/env-secret' });
  expect(opened.project.notifications).toMatchObject({ on: 'always', format: 'auto' });
  expect(opened.redactor.text('at https://hooks.slack.com/services/env-secret')).not.toContain('env-secret');
});

it('a message shows ten jobs that failed and counts the rest', () => {
  const job = {
    source_name: 's',
    table_name: 't',
    status: 'FAILED',
    rows_processed: 0,
    checks: [],
    error: { code: 'X', message: 's.t: <broken> & so on' },
  };
  const run = {
    pipeline: 'p',
    destination: 'd',
    runId: 'r',
    status: 'FAILED',
    seconds: 61,
    jobs: Array(12).fill(job),
  } as never;
  const { lines } = messageOfRun(run);
  expect(lines).toHaveLength(11);
  expect(lines.at(-1)).toBe('… and 2 more jobs that failed');
  expect(JSON.stringify(webhookBody(run, 'slack'))).toContain('s.t: X: &lt;broken&gt; &amp; so on');
});
