import type { JobPreview, PreviewPage, PreviewRequest } from '../../../engine/contract.ts';
import { CodeView } from '../../ui/code-view.tsx';
import { CopyButton } from '../../ui/copy-button.tsx';
import { bytesText, millisecondsText } from '../../ui/number-text.ts';
import { StatusIcon } from '../../ui/status-icon.tsx';
import classes from './page-views.module.css';

type HttpRequest = Extract<PreviewRequest, { url: string }>;

function isHttp(request: PreviewRequest): request is HttpRequest {
  return 'url' in request;
}

function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? '';
}

/** The request of a page and what came with the answer; secrets were removed by the engine. */
export function ExchangeView({ page: { request, response } }: { page: PreviewPage }) {
  if (!isHttp(request)) return null;
  return (
    <Scroll label="Request and response headers">
      <section className={classes['part']}>
        <div className="row">
          <h3 className="grow">Request</h3>
          <CopyButton text={`${request.method} ${request.url}`} label="request line" />
        </div>
        <p className={`${classes['line']} mono`}>
          <strong>{request.method}</strong> {request.url}
        </p>
        <Names values={request.headers} label="Request headers" />
        {request.body === null || request.body === undefined ? null : (
          <CodeView text={jsonText(request.body)} language="json" label="Request body" />
        )}
        <p className="small dim">Secrets are shown as ***; what signs the request is added after this point.</p>
      </section>
      {response === undefined ? null : (
        <section className={classes['part']}>
          <h3>
            Response <span className="num">{response.status}</span>
            <span className="faint">
              {' '}
              {bytesText(response.bytes)} in {millisecondsText(response.duration_ms)}
            </span>
          </h3>
          <Names values={response.headers} label="Response headers" />
        </section>
      )}
    </Scroll>
  );
}

function Names({ values, label }: { values: Readonly<Record<string, string>>; label: string }) {
  const entries = Object.entries(values);
  if (entries.length === 0) return <p className="small faint">No headers</p>;
  return (
    <table className={classes['names']} aria-label={label}>
      <tbody>
        {entries.map(([name, value]) => (
          <tr key={name}>
            <th scope="row" className="mono">
              {name}
            </th>
            <td className="mono">{value}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Columns as they would land. */
export function SchemaView({ schema }: { schema: JobPreview['schema'] }) {
  return (
    <Scroll label="Schema" flush>
      <table className={classes['schema']} aria-label="Columns">
        <thead>
          <tr>
            <th className={classes['order']}>#</th>
            <th>Column</th>
            <th>In the API</th>
            <th>Lands as</th>
            <th>Null</th>
          </tr>
        </thead>
        <tbody>
          {schema.map(({ name, source_type, type, nullable }, index) => (
            <tr key={name}>
              <td className={`${classes['order']} faint`}>{index + 1}</td>
              <td className="medium">{name}</td>
              <td className="dim">{source_type}</td>
              <td className="mono" title={type}>
                {type}
              </td>
              <td className={nullable ? '' : 'faint'}>{nullable ? 'seen' : 'never seen'}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={`${classes['note']} small dim`}>
        Judged by the records shown here. A run judges by all that it reads; column_types in the job settles a type.
      </p>
    </Scroll>
  );
}

/** Request after request: what each page led to, what the run would ask next, and why the preview stopped. */
export function PaginatorView({ preview, type }: { preview: JobPreview; type: string }) {
  return (
    <Scroll label="Paginator">
      <ol className={classes['steps']}>
        {preview.pages.map((page, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: pages are known by their place
          <li key={index}>
            <span className={classes['dot']}>{index + 1}</span>
            <div className={classes['step']}>
              <Asked request={page.request} before={preview.pages[index - 1]?.request} />
              <p className="small dim">
                {(page.record_count ?? page.records.length).toLocaleString('en')} records
                {index === 0 ? `, asked by ${type}` : ''}
              </p>
            </div>
          </li>
        ))}
        <Last preview={preview} />
      </ol>
    </Scroll>
  );
}

function Last({ preview: { pages, stop, failure } }: { preview: JobPreview }) {
  const last = pages.at(-1);
  if (failure !== undefined) {
    return (
      <li>
        <StatusIcon status="error" size={20} />
        <div className={classes['step']}>
          <p className="medium">{failure.message}</p>
          {failure.hint === undefined ? null : <p className="small dim">{failure.hint}</p>}
        </div>
      </li>
    );
  }
  if (last?.next !== undefined && 'request' in last.next) {
    return (
      <li>
        <span className={classes['dot']} data-next>
          {pages.length + 1}
        </span>
        <div className={classes['step']}>
          <p className="small dim">A run asks next</p>
          <Asked request={last.next.request} before={last.request} />
          <p className="small dim">{stop.detail}</p>
        </div>
      </li>
    );
  }
  return (
    <li>
      <StatusIcon status="ok" size={20} label="End" />
      <div className={classes['step']}>
        <p className="medium">The read ends here</p>
        <p className="small dim">{stop.detail}</p>
      </div>
    </li>
  );
}

/** The request line; of a request that follows another one only what differs stands out. */
function Asked({ request, before }: { request: PreviewRequest; before: PreviewRequest | undefined }) {
  if (!isHttp(request) || !URL.canParse(request.url)) return null;
  const url = new URL(request.url);
  const former = before !== undefined && isHttp(before) && URL.canParse(before.url) ? new URL(before.url) : null;
  const isOther = (name: string, value: string) => former !== null && !former.searchParams.getAll(name).includes(value);
  const params = [...url.searchParams];
  const body = jsonText(request.body ?? null);
  const formerBody = before !== undefined && isHttp(before) ? jsonText(before.body ?? null) : body;
  return (
    <>
      <p className={`${classes['line']} mono`}>
        <strong>{request.method}</strong> {former !== null && former.origin === url.origin ? '' : url.origin}
        {former !== null && former.pathname !== url.pathname ? <mark>{url.pathname}</mark> : url.pathname}
        {params.map(([name, value], index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a parameter may stand twice
          <span key={index}>
            {index === 0 ? '?' : '&'}
            {isOther(name, value) ? (
              <mark>
                {name}={value}
              </mark>
            ) : (
              `${name}=${value}`
            )}
          </span>
        ))}
      </p>
      {body === formerBody || body === 'null' ? null : <CodeView text={body} language="json" label="Request body" />}
    </>
  );
}

function Scroll({ label, flush = false, children }: { label: string; flush?: boolean; children: React.ReactNode }) {
  return (
    // biome-ignore-start lint/a11y: what scrolls must be reachable by keyboard
    <div
      className={`${classes['scroll']} scroll`}
      data-flush={flush || undefined}
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      {children}
    </div>
    // biome-ignore-end lint/a11y: what scrolls must be reachable by keyboard
  );
}
