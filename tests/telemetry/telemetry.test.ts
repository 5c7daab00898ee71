import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openProject } from '../../engine/open-project.ts';
import { runProject } from '../../engine/pipeline/run-project.ts';
import { Redactor } from '../../engine/secrets/redaction.ts';
import { watermarkKind } from '../../engine/telemetry/run-spans.ts';
import { openTelemetry } from '../../engine/telemetry/telemetry.ts';
import { telemetrySettings } from '../../engine/telemetry/telemetry-settings.ts';
import { writeProject } from '../helpers/project.ts';
import { temporaryFolder } from '../helpers/temporary-folder.ts';
import { type Message, messages, numberOf, parse, textOf } from './protobuf-message.ts';

const KEY = 'collector-key-5512';
const DATA = 'Grace Hopper';

/** A collector: keeps what it is sent, and answers as it is told. */
let server: Server;
let port: number;
let answer: 'ok' | 'silence' | 'busy once' | 'refuse' = 'ok';
let received: { url: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ url: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
    if (answer === 'silence') return;
    const busy = answer === 'busy once';
    if (busy) answer = 'ok';
    response.writeHead(busy ? 503 : answer === 'refuse' ? 401 : 200).end(`you sent ${request.headers['x-team']}`);
  });
  // Proxies are asked for a way to the collector.
  server.on('connect', (request, socket, head) => {
    received.push({ url: `CONNECT ${request.url}`, headers: request.headers, body: Buffer.alloc(0) });
    const way = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      way.write(head);
      way.pipe(socket).pipe(way);
    });
    way.on('error', () => socket.destroy());
    socket.on('error', () => way.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received = [];
  answer = 'ok';
});
afterEach(() => vi.unstubAllEnvs());

/** Runs a job that succeeds, with checks, and one that fails; gives what the run said, as text. */
async function run(telemetry: string) {
  await using folder = await temporaryFolder();
  const job = { source_type: 'filesystem', source_name: 'files', load_type: 'FULL', enabled: 'Y', file_format: 'csv' };
  await writeProject(folder.path, {
    jobs: [
      { ...job, table_name: 'people', file_glob: 'people.csv' },
      { ...job, table_name: 'gone', file_glob: 'people.csv', columns: 'no_such_column' },
    ],
    checks: [{ table: 'people', type: 'row_count', min_rows: 2, name: 'enough' }],
    config: `${telemetry}\n[sources.files]\ntype = "filesystem"\nbucket_url = "data"\n[destination]\ntype = "duckdb"\n[destination.duckdb]\npath = "out.duckdb"\n`,
  });
  await mkdir(path.join(folder.path, 'data'));
  await writeFile(path.join(folder.path, 'data', 'people.csv'), `id,name\n1,${DATA}\n2,Ada\n3,Alan\n`);
  const project = await openProject(folder.path, { environment: {} });
  expect(project.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const outcome = await runProject(project, { selectors: [], signal: new AbortController().signal, onEvent: () => {} });
  const log = await readFile(outcome.logPath as string, 'utf8');
  return { outcome, log, metrics: await readFile(outcome.metricsPath, 'utf8') };
}

const attributesOf = (message: Message, field: number) =>
  Object.fromEntries(
    messages(message, field).map((pair) => {
      const [value] = messages(pair, 2);
      return [textOf(pair, 1), value === undefined ? null : (textOf(value, 1) ?? numberOf(value, 3))];
    }),
  );

/** Spans of all requests (opentelemetry/proto/trace/v1/trace.proto), with the names of their parents. */
function spansSent() {
  const spans = received
    .filter(({ url }) => url.endsWith('/v1/traces'))
    .flatMap(({ body }) => messages(parse(body), 1))
    .flatMap((resource) => messages(resource, 2))
    .flatMap((scope) => messages(scope, 2));
  const idOf = (span: Message, field: number) => Buffer.from(span.get(field)?.[0] as Uint8Array).toString('hex');
  const names = new Map(spans.map((span) => [idOf(span, 2), textOf(span, 5)]));
  return spans.map((span) => ({
    name: textOf(span, 5) as string,
    trace: idOf(span, 1),
    parent: span.has(4) ? (names.get(idOf(span, 4)) ?? idOf(span, 4)) : null,
    attributes: attributesOf(span, 9),
    seconds: (numberOf(span, 8) - numberOf(span, 7)) / 1e9,
    failed: messages(span, 15).some((status) => status.get(3)?.[0] === 2n),
  }));
}

test('a run arrives as traces by stage and as metrics, with its figures and without data', async () => {
  const { outcome, log } = await run(
    `[telemetry]\nendpoint = "http://127.0.0.1:${port}/otel"\n[telemetry.headers]\nx-team = "${KEY}"`,
  );
  expect(outcome.exitCode).toBe(1);
  expect(log).not.toContain('Telemetry');
  expect(new Set(received.map(({ url }) => url))).toEqual(new Set(['/otel/v1/traces', '/otel/v1/metrics']));
  expect(received.every(({ headers }) => headers['x-team'] === KEY)).toBe(true);

  const spans = spansSent();
  expect(new Set(spans.map(({ trace }) => trace)).size).toBe(1);
  expect(spans.map(({ name, parent }) => `${parent} > ${name}`).sort()).toEqual(
    [
      'null > run',
      'run > job files.people',
      'job files.people > extract',
      'job files.people > normalize',
      'job files.people > load',
      'job files.people > check row_count',
      'run > job files.gone',
      'job files.gone > extract',
    ].sort(),
  );
  const people = spans.find(({ name }) => name === 'job files.people');
  expect(people).toMatchObject({
    failed: false,
    attributes: {
      'ingest.rows': 3,
      'ingest.status': 'SUCCESS',
      'ingest.target': 'raw.people',
      'ingest.retries': 0,
      'ingest.watermark.kind': 'none',
    },
  });
  expect(people?.attributes['ingest.bytes']).toBeGreaterThan(0);
  expect(people?.seconds).toBeGreaterThan(0);
  expect(spans.filter(({ failed }) => failed).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['run', 'job files.gone', 'extract']),
  );

  const figures = received
    .filter(({ url }) => url.endsWith('/v1/metrics'))
    .flatMap(({ body }) => messages(parse(body), 1))
    .flatMap((resource) => messages(resource, 2))
    .flatMap((scope) => messages(scope, 2));
  expect(figures.map((figure) => textOf(figure, 1))).toEqual(
    expect.arrayContaining(['ingest.rows', 'ingest.bytes', 'ingest.failures', 'ingest.job.duration', 'ingest.health']),
  );
  const rows = figures.find((figure) => textOf(figure, 1) === 'ingest.rows') as Message;
  const points = messages(messages(rows, 7)[0] as Message, 1).map((point) => [
    attributesOf(point, 7)['table'],
    Number(Buffer.from(point.get(6)?.[0] as Uint8Array).readBigInt64LE()),
  ]);
  expect(points).toEqual([
    ['people', 3],
    ['gone', 0],
  ]);

  const everything = received.map(({ body }) => body.toString('latin1')).join('');
  expect(everything).not.toContain(KEY);
  expect(everything).not.toContain(DATA);
  expect(everything).not.toContain('no_such_column');
});

test('variables of OpenTelemetry come first: address, headers, JSON, resource, parent', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://collector:s3cret%21pw@127.0.0.1:${port}/`);
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', `x-team=${KEY},x-two=b%20c`);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  vi.stubEnv('OTEL_SERVICE_NAME', 'nightly');
  vi.stubEnv('OTEL_RESOURCE_ATTRIBUTES', 'deployment.environment=test');
  vi.stubEnv('OTEL_METRICS_EXPORTER', 'none');
  vi.stubEnv('TRACEPARENT', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
  await run('[telemetry]\nendpoint = "http://127.0.0.1:1"');
  expect(received.map(({ url }) => url)).toEqual(['/v1/traces']);
  expect(received[0]?.headers).toMatchObject({ 'x-team': KEY, 'x-two': 'b c', 'content-type': 'application/json' });
  expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('collector:s3cret!pw').toString('base64')}`);
  const [resource] = JSON.parse(received[0]?.body.toString() ?? '').resourceSpans;
  const pairs = resource.resource.attributes.map(({ key, value }: { key: string; value: object }) => [key, value]);
  expect(Object.fromEntries(pairs)).toMatchObject({
    'service.name': { stringValue: 'nightly' },
    'deployment.environment': { stringValue: 'test' },
  });
  const root = resource.scopeSpans[0].spans.find(({ name }: { name: string }) => name === 'run');
  expect(root).toMatchObject({ traceId: '4bf92f3577b34da6a3ce929d0e0e4736', parentSpanId: '00f067aa0ba902b7' });
});

test('a collector that is silent, refuses or is not there costs a warning, without the secret, and no run', async () => {
  const config = `[telemetry]\nendpoint = "http://127.0.0.1:${port}?token=${KEY}"\n[telemetry.headers]\nx-team = "${KEY}"`;
  const told = async (text: string) => {
    const { outcome, log, metrics } = await run(text);
    expect(outcome.metrics.jobs[0]?.status).toBe('SUCCESS');
    expect(log).toContain('"type":"run_finished"');
    expect(log + metrics).not.toContain(KEY);
    return /Telemetry of this run is incomplete: ([^"]*)/.exec(log)?.[1];
  };
  answer = 'silence';
  expect(await told(config)).toContain('in time');
  answer = 'refuse';
  expect(await told(config)).toBe(`127.0.0.1:${port} answered with status 401`);
  answer = 'busy once';
  expect(await told(config)).toBeUndefined();
  expect(await told('[telemetry]\nendpoint = "http://127.0.0.1:9"')).toMatch(/ECONNREFUSED|bad port/);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc');
  expect(await told(config)).toContain('grpc');
  vi.stubEnv('OTEL_SDK_DISABLED', 'true');
  received = [];
  expect(await told(config)).toBeUndefined();
  expect(received).toEqual([]);
});

test('it goes through the proxy of the environment', async () => {
  const telemetry = openTelemetry(null, {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.invalid:4318',
      http_proxy: `http://127.0.0.1:${port}`,
    },
    redactor: new Redactor(),
    patience: 5000,
  });
  telemetry.onEvent({
    at: 1000,
    level: 'INFO',
    type: 'run_started',
    run_id: 'r',
    pipeline: 'p',
    destination: 'd',
    jobs: 1,
    workers: 1,
  });
  telemetry.onEvent({ at: 1100, level: 'INFO', type: 'job_started', job: 's.t', row: 2, attempt: 1 });
  // It broke down: what is open ends as an error.
  expect(await telemetry.finish()).toBeNull();
  expect(await telemetry.finish()).toBeNull();
  expect(received[0]?.url).toMatch(/^(CONNECT collector\.invalid:4318|http:\/\/collector\.invalid:4318\/v1\/)/);
  expect(spansSent().map(({ name, failed }) => [name, failed])).toEqual(
    expect.arrayContaining([
      ['job s.t', true],
      ['run', true],
    ]),
  );
});

test('without a collector nothing of the SDK is loaded', async () => {
  const script = `import { openTelemetry } from './engine/telemetry/telemetry.ts';
    import Module from 'node:module';
    const of = async (environment) => { const t = openTelemetry(null, { environment, redactor: { add() {}, text: (t) => t } });
      t.onEvent({ type: 'log', at: 1, level: 'INFO', message: '' }); await t.finish();
      return Object.keys(Module._cache).filter((name) => name.includes('opentelemetry')).length > 0; };
    console.log(await of({}), await of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }));`;
  const root = path.resolve(import.meta.dirname, '../..');
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: root });
  expect(stdout.trim()).toBe('false true');
});

test('settings: addresses of each kind, nonsense, watermark kinds', () => {
  const of = (environment: Record<string, string>) => telemetrySettings(null, environment);
  expect(of({})).toBeNull();
  const own = of({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t/x', OTEL_EXPORTER_OTLP_TIMEOUT: '250' });
  expect(own).toMatchObject({ metrics: null, timeout: 250, parent: null, temporality: 'cumulative' });
  expect(own?.traces?.href).toBe('https://t/x');
  const odd = of({
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h',
    OTEL_EXPORTER_OTLP_HEADERS: 'a=%E0%A4%A,=x,b',
    TRACEPARENT: 'x',
  });
  expect(odd).toMatchObject({ headers: { a: '%E0%A4%A' }, parent: null });
  expect(() => of({ OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4318' })).toThrow('no http or https address');
  expect(['12', '2026-01-31', '2026-01-31 06:00:00', 'abc', null].map(watermarkKind)).toEqual([
    'number',
    'date',
    'time',
    'text',
    'none',
  ]);
});
